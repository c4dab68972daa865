"""Sides: jobs that have ended, grouped by everything varied but seeds."""

import pytest

from holonomy import Client, Refused
from holonomy.compare.sides import changed_fields, group_text, groups, kind_of, side, varied_fields
from schemas.states import JobState
from tests.support.fake_service import World
from tests.support.nights import named, night

LR = "training.optimizer.lr"


def test_jobs_are_grouped_by_what_one_side_varies(client: Client, world: World) -> None:
    a = named(client, "A", night(client, world, {0.1: [1, 2], 0.2: [3, 4, 5]}))
    b = named(client, "B", night(client, world, {0.1: [1, 2], 0.3: [3, 4]}, first_seed=50, momentum=0.5))
    assert varied_fields(a, b) == [LR]
    assert {group: [one.seed for one in members] for group, members in groups(a, [LR]).items()} == {
        ((LR, 0.1),): [0, 1],
        ((LR, 0.2),): [0, 1, 2],
    }
    assert list(groups(b, [LR])) == [((LR, 0.1),), ((LR, 0.3),)]
    assert changed_fields(a, b, [LR]) == {"training.optimizer.momentum": (0.0, 0.5)}


def test_what_one_side_varies_is_read_from_the_other_too(client: Client, world: World) -> None:
    a = named(client, "A", night(client, world, {0.2: [1, 2]}))
    b = named(client, "B", night(client, world, {0.1: [1, 2], 0.2: [3, 4]}))
    assert varied_fields(a, b) == [LR]
    assert list(groups(a, varied_fields(a, b))) == [((LR, 0.2),)]


def test_seeds_of_draws_are_no_group(client: Client, world: World) -> None:
    first, second = night(client, world, {0.1: [1, 2]})
    spec = second.detail().spec.model_copy(update={"seed": 7})
    other = client.submit(spec)
    world.move(other.id, JobState.DONE)
    one = named(client, "A", [first, second, client.job(other.id)])
    assert varied_fields(one) == []
    assert [len(members) for members in groups(one, []).values()] == [3]


def test_what_is_no_side(client: Client, world: World) -> None:
    with pytest.raises(Refused, match="there is nothing to compare: tonight has no jobs"):
        side("tonight", [], client)
    jobs = night(client, world, {0.1: [1, 2]})
    with pytest.raises(Refused, match=f"tonight lists job {jobs[0].id} more than once"):
        named(client, "tonight", [*jobs, jobs[0]])
    world.move(jobs[1].id, JobState.RUNNING)
    with pytest.raises(
        Refused, match=f"tonight is not finished: 1 of 2 jobs have not ended, job {jobs[1].id} is run"
    ):
        named(client, "tonight", [client.job(job.id) for job in jobs])


def test_equal_seeds_are_no_spread(client: Client, world: World) -> None:
    twice = night(client, world, {0.1: [1]}) + night(client, world, {0.1: [1]})
    with pytest.raises(Refused, match="jobs 1 and 2 of A ran the same spec with equal seeds"):
        groups(named(client, "A", twice), [])
    alone = named(client, "A", night(client, world, {0.1: [1], 0.2: [1, 2]}))
    with pytest.raises(Refused, match=f"A has 1 at {LR} = 0.1: give the sweep more `seeds`"):
        groups(alone, varied_fields(alone))
    with pytest.raises(Refused, match="two seeds of training a side; B has 1: give the sweep more"):
        groups(named(client, "B", night(client, world, {0.5: [1]})), [])


def test_one_kind_of_job_is_compared(client: Client, world: World) -> None:
    jobs = night(client, world, {0.1: [1, 2]})
    run = client.submit(jobs[0].detail().spec.training)
    world.move(run.id, JobState.DONE)
    assert kind_of(named(client, "A", jobs)) == "brackets"
    with pytest.raises(Refused, match="here are brackets and training jobs"):
        kind_of(named(client, "A", jobs), named(client, "B", [client.job(run.id)]))


def test_a_group_in_words() -> None:
    assert group_text(()) == ""
    assert group_text((("a.b", 0.1), ("c", None))) == "a.b = 0.1, c = none"
    assert group_text((("a.b", 0.1), ("c", None)), short=True) == "b = 0.1, c = none"
    assert group_text((("a.b", 0.1), ("c.b", 2)), short=True) == "a.b = 0.1, c.b = 2"
