"""The sentences of a comparison, read as people will read them."""

import pytest

from holonomy import Client
from holonomy.compare import Comparison, compare
from holonomy.compare.words import percent
from tests.support.fake_service import World
from tests.support.nights import named, night

CALM = [1.0, 1.1, 0.9, 1.05]


def held(
    client: Client, world: World, first: dict, second: dict, momentum: float = 0.0, **asked: object
) -> Comparison:
    a = named(client, "A", night(client, world, first))
    b = named(client, "B", night(client, world, second, first_seed=100, momentum=momentum))
    return compare(a, b, asked.pop("metric", "defects.median"), **asked)


def test_a_change_is_said_with_size_interval_and_seeds(client: Client, world: World) -> None:
    found = held(client, world, {0.1: [1.0, 1.01, 0.99]}, {0.1: [1.12, 1.13, 1.11]}, momentum=0.9)
    assert found.report.splitlines() == [
        "order dependence at step 9 rose by 12 % [9.6 %, 14 %] (g = 9.5, 3 against 3 seeds): changed",
        "the recipes differ: training.optimizer.momentum 0.0 → 0.9",
    ]
    assert str(found) == found.report


def test_a_fall_a_factor_and_a_difference(client: Client, world: World) -> None:
    fell = held(client, world, {0.1: [1.0, 1.01, 0.99]}, {0.1: [0.8, 0.81, 0.79]})
    assert fell.report.startswith("order dependence at step 9 fell by 20 % [18 %, 22 %] (g = -16, 3 against 3 seeds)")
    grew = held(client, world, {0.1: [1.0, 1.01, 0.99]}, {0.1: [5.0, 5.01, 4.99]})
    assert grew.report.startswith("order dependence at step 9 rose to 5 times [4.9, 5.1] (g = ")
    signed = held(client, world, {0.1: [-1.0, -1.01, -0.99]}, {0.1: [-2.0, -2.01, -1.99]})
    assert signed.report.startswith("order dependence at step 9 fell by 1 [0.977, 1.02] (g = -80, ")


def test_no_change_says_what_would_have_been_noticed(client: Client, world: World) -> None:
    found = held(client, world, {0.1: CALM}, {0.1: CALM})
    assert found.report == "no change in 1 comparison; one of 16 % would have been noticed"
    found = held(client, world, {0.1: CALM, 0.2: [1.0, 1.5, 0.5]}, {0.1: CALM, 0.2: CALM}, threshold=0.05)
    noticed = "one of 26 % would have been noticed in the surest, of a factor of 7.2 in any"
    assert found.report == f"no change beyond 5.0 % in 2 comparisons; {noticed}"


def test_identical_nights_are_said_to_be(client: Client, world: World) -> None:
    a, b = (named(client, name, night(client, world, {0.1: CALM})) for name in "AB")
    assert compare(a, b).report == "no change: equal seeds gave bitwise equal values in 2 comparisons"


def test_jobs_that_both_sides_have_are_said_to_be_the_same(client: Client, world: World) -> None:
    jobs = night(client, world, {0.1: CALM})
    assert compare(named(client, "A", jobs), named(client, "B", jobs)).report.splitlines() == [
        "no change: equal seeds gave bitwise equal values in 2 comparisons",
        "4 jobs are the same on both sides, found and not computed again: `fresh` computes anew",
    ]
    others = night(client, world, {0.1: [1.0, 2.0]}, first_seed=9)
    one = compare(named(client, "A", jobs), named(client, "B", [jobs[0], *others]))
    assert one.remarks[0].startswith("1 job is the same on both sides")


def test_groups_are_named_and_of_many_changes_the_clearest_are_listed(client: Client, world: World) -> None:
    rates = [0.1 * number for number in range(1, 8)]
    first = {rate: [1.0, 1.01, 0.99] for rate in rates}
    second = {rate: [value * (2 + rate) for value in (1.0, 1.01, 0.99)] for rate in rates}
    lines = held(client, world, first, second).report.splitlines()
    assert lines[0].startswith("order dependence at step 9 (lr = 0.7000000000000001) rose to 2.7 ")
    assert len(lines) == 6
    assert lines[-1] == "and 2 more of 7 comparisons changed"


def test_what_is_missing_is_said(client: Client, world: World) -> None:
    lines = held(client, world, {0.1: CALM, 0.2: CALM}, {0.1: [1.0, 1.1, None]}).report.splitlines()
    assert lines == [
        "no change seen in 0 of 1 comparison; what is missing below may hide one",
        "not compared: training.optimizer.lr = 0.2, for only A has it",
        "order dependence at step 9 (lr = 0.1): no finite value in 0 of 4 against 1 of 3 jobs",
    ]


def test_ended_jobs_and_other_metrics_are_named(client: Client, world: World) -> None:
    a, b = night(client, world, {0.1: CALM}), night(client, world, {0.1: CALM}, first_seed=50)
    world.fail(b[0].id, "the loss is NaN")
    again = [client.job(job.id) for job in b]
    lines = compare(named(client, "A", a), named(client, "B", again), "max(defects.median)").report.splitlines()
    assert lines[1:] == [
        "B: 1 job failed or was cancelled",
        "max(defects.median) at step 9: no finite value in 0 of 4 against 1 of 4 jobs",
    ]


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0.0 %"), (0.12345, "12 %"), (0.0423, "4.2 %"), (-0.0042, "-0.4 %"), (1e-6, "0.0001 %")]
)
def test_per_cent(share: float, text: str) -> None:
    assert percent(share) == text
