"""Two nights of bracket jobs held against each other."""

import math

import polars
import pytest

from holonomy import Client, Refused
from holonomy.compare import Comparison, compare
from holonomy.compare.comparison import read_threshold
from holonomy.compare.statistics import effect
from schemas.states import JobState
from tests.support.fake_service import World
from tests.support.nights import STEP, named, night

LR = "training.optimizer.lr"
CALM = [1.0, 1.1, 0.9, 1.05]
LOUD = [2.0, 2.2, 1.8, 2.1]


def held(client: Client, world: World, first: dict, second: dict, **asked: object) -> Comparison:
    """Two nights of other seeds compared by their median defects."""
    a = named(client, "A", night(client, world, first))
    b = named(client, "B", night(client, world, second, first_seed=100))
    return compare(a, b, "defects.median", **asked)


def test_each_group_is_compared_within_one_family(client: Client, world: World) -> None:
    found = held(client, world, {0.1: CALM, 0.2: CALM}, {0.1: CALM[::-1], 0.2: LOUD})
    calm, loud = found.rows
    assert (calm.group, loud.group) == (((LR, 0.1),), ((LR, 0.2),))
    assert loud.effect == effect(CALM, LOUD, family=2)
    assert (calm.verdict, loud.verdict) == ("no change", "changed")
    assert (found.changed, found.incomplete) == (True, False)
    assert loud.p_holm == pytest.approx(2 * loud.effect.p)


def test_the_frame_has_a_row_for_each_comparison(client: Client, world: World) -> None:
    frame = held(client, world, {0.1: CALM, 0.2: CALM}, {0.1: CALM, 0.2: LOUD}).frame()
    assert frame.columns[:4] == [LR, "metric", "step", "arm"]
    loud = frame.row(1, named=True)
    assert (loud[LR], loud["metric"], loud["step"], loud["verdict"]) == (0.2, "defects.median", STEP, "changed")
    assert loud["estimate"] == pytest.approx(2)
    assert loud["low"] < 2 < loud["high"]
    assert (loud["seeds_a"], loud["seeds_b"], loud["scale"]) == (4, 4, "ratio")


def test_usual_metrics_of_brackets_are_defects_and_rms(client: Client, world: World) -> None:
    a, b = (
        named(client, name, night(client, world, {0.1: CALM}, first_seed=seed)) for name, seed in (("A", 0), ("B", 9))
    )
    rows = compare(a, b).rows
    assert [str(row.metric) for row in rows] == ["defects.median", "rms(tensors.bracket_rms)"]
    assert [row.verdict for row in rows] == ["no change", "no change"]
    assert rows[1].effect.estimate == 1


def test_equal_seeds_with_equal_values_are_identical(client: Client, world: World) -> None:
    a, b = (named(client, name, night(client, world, {0.1: CALM})) for name in "AB")
    assert [row.verdict for row in compare(a, b).rows] == ["identical"] * 2
    moved = named(client, "C", night(client, world, {0.1: [math.nextafter(1.0, 2), *CALM[1:]]}))
    assert compare(a, moved).rows[0].verdict == "no change"


def test_a_small_change_counts_only_without_a_threshold(client: Client, world: World) -> None:
    a = [1.0, 1.001, 0.999]
    b = [value * 1.03 for value in a]
    assert held(client, world, {0.1: a}, {0.1: b}).changed
    assert not held(client, world, {0.1: a}, {0.1: b}, threshold="5%").changed


def test_lost_values_are_counted_and_are_no_finding_of_no_change(client: Client, world: World) -> None:
    found = held(client, world, {0.1: CALM}, {0.1: [*CALM[:2], None, math.nan]})
    row = found.rows[0]
    assert (row.a.lost, row.b.lost, row.b.jobs) == (0, 2, 4)
    assert (row.verdict, found.changed, found.incomplete) == ("incomplete", False, True)
    few = held(client, world, {0.1: CALM}, {0.1: [1.0, None, None]}).rows[0]
    assert (few.effect, few.verdict) == (None, "incomplete")
    assert held(client, world, {0.1: [*CALM, None]}, {0.1: [*CALM, None]}).rows[0].verdict == "no change"
    assert held(client, world, {0.1: CALM}, {0.1: [*LOUD, None]}).rows[0].verdict == "changed"


def test_rows_that_one_side_alone_lost_are_no_finding_of_no_change(client: Client, world: World) -> None:
    a, b = night(client, world, {0.1: CALM}), night(client, world, {0.1: CALM}, first_seed=100)

    def verdict() -> str:
        [row] = compare(named(client, "A", a), named(client, "B", b), "tensors.bracket_rms").rows
        return row.verdict

    diverged = polars.DataFrame({"step": [STEP] * 2, "bracket_rms": [3.0, math.inf], "numel": [10, 20]})
    assert verdict() == "no change"
    world.tables[f"{b[0].id}/tensors"] = diverged
    assert verdict() == "incomplete"
    for job in a[:2]:
        world.tables[f"{job.id}/tensors"] = diverged
    assert verdict() == "no change"


def test_failed_jobs_count_as_lost(client: Client, world: World) -> None:
    a, b = night(client, world, {0.1: CALM}), night(client, world, {0.1: CALM}, first_seed=50)
    world.fail(b[0].id, "the loss is NaN")
    found = compare(named(client, "A", a), named(client, "B", [client.job(job.id) for job in b]), "defects.median")
    assert found.ended == (0, 1)
    assert (found.rows[0].b.lost, found.incomplete) == (1, True)


def test_groups_of_one_side_are_left_out_and_said(client: Client, world: World) -> None:
    found = held(client, world, {0.1: CALM, 0.2: CALM}, {0.1: CALM, 0.3: CALM})
    assert found.left_out == ((((LR, 0.2),), "only A has it"), (((LR, 0.3),), "only B has it"))
    assert found.incomplete
    with pytest.raises(Refused, match=rf"nothing of A has its counterpart in B: the one has {LR} = 0.1, the other"):
        held(client, world, {0.1: CALM, 0.2: CALM}, {0.3: CALM, 0.4: CALM})


def test_a_group_that_failed_on_both_sides_is_left_out_and_said(client: Client, world: World) -> None:
    sides = list[list]()
    for seed in (0, 50):
        jobs = night(client, world, {0.1: CALM, 0.2: [1.0, 2.0]}, first_seed=seed)
        for job in jobs[-2:]:
            world.fail(job.id, "the loss is NaN")
        sides.append([client.job(job.id) for job in jobs])
    found = compare(named(client, "A", sides[0]), named(client, "B", sides[1]))
    assert found.left_out == ((((LR, 0.2),), "no job of either side has a value"),)


def test_steps_at_which_nothing_is_defined_do_not_count(client: Client, world: World) -> None:
    sides = [night(client, world, {0.1: CALM}, first_seed=seed) for seed in (0, 50)]
    for job in (*sides[0], *sides[1]):
        world.tables[f"{job.id}/defects"] = polars.DataFrame({"step": [0, STEP], "median": [None, 1.0]})
    found = compare(named(client, "A", sides[0]), named(client, "B", sides[1]), "defects.median")
    assert (len(found.rows), found.undefined, found.incomplete) == (1, 1, False)


def test_the_seeds_of_draws_are_averaged_within_a_seed_of_training(client: Client, world: World) -> None:
    jobs = night(client, world, {0.1: [1.0, 3.0]})
    again = client.submit(jobs[0].detail().spec.model_copy(update={"seed": 5}))
    world.tables[f"{again.id}/defects"] = polars.DataFrame({"step": [STEP], "median": [2.0]})
    world.move(again.id, JobState.DONE)
    a = named(client, "A", [*jobs, client.job(again.id)])
    row = compare(a, named(client, "B", night(client, world, {0.1: CALM}, first_seed=9)), "defects.median").rows[0]
    assert row.a.by_seed == {0: 1.5, 1: 3.0}


def test_no_value_at_all_is_refused(client: Client, world: World) -> None:
    nothing = [None, None]
    with pytest.raises(Refused, match=r"no job has a value of defects\.median: name another metric"):
        held(client, world, {0.1: nothing}, {0.1: nothing})


@pytest.mark.parametrize(
    ("given", "share"), [(None, 0.0), ("5%", 0.05), ("0.05", 0.05), (0.05, 0.05), (" 5 % ", 0.05)]
)
def test_thresholds(given: str | float | None, share: float) -> None:
    assert read_threshold(given) == pytest.approx(share)


@pytest.mark.parametrize("given", ["five", "-1%", "150%", 2, math.nan, ""])
def test_what_is_no_threshold(given: str | float) -> None:
    with pytest.raises(Refused, match=r"a threshold is a relative change from 0 to below 1, such as 5% or 0\.05"):
        read_threshold(given)


@pytest.mark.parametrize("confidence", [0.4, 1 - 1e-16, 1.0, 95, math.nan])
def test_what_is_no_confidence(client: Client, world: World, confidence: float) -> None:
    with pytest.raises(Refused, match=r"confidence is a probability from 0\.5 to 0\.999999, such as 0\.95; came"):
        held(client, world, {0.1: CALM}, {0.1: CALM}, confidence=confidence)
