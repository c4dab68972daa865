"""Sides as users name them: sweeps, their numbers, and lists of jobs."""

import polars
import pytest

from holonomy import Brackets, Client, NotFound, Refused, Sgd, Sweep, SweepHandle, Training
from holonomy.compare.metrics import Metric
from schemas.states import JobState
from tests.support.fake_service import World
from tests.support.nights import STEP, night

METRIC = "checkpoints.test_loss@last"


def swept(client: Client, world: World, momentum: float, losses: list[float]) -> SweepHandle:
    """A finished sweep of training runs over two learning rates and as many seeds as needed."""
    base = Training(steps=STEP, optimizer=Sgd(momentum=momentum))
    made = client.submit(Sweep(base=base, axes={"optimizer.lr": [0.1, 0.2]}, seeds=len(losses) // 2))
    for one, loss in zip(made.jobs(), losses, strict=True):
        rows = {"step": [0, STEP], "test_loss": [2.0, loss]}
        world.tables[f"{one.job.id}/checkpoints"] = polars.DataFrame(rows)
        world.move(one.job.id, JobState.DONE)
    return made


def test_sweeps_by_handle_and_by_number(client: Client, world: World) -> None:
    a = swept(client, world, 0.0, [1.0, 1.1, 0.9, 2.0, 2.1, 1.9])
    b = swept(client, world, 0.9, [1.0, 1.1, 0.9, 4.0, 4.1, 3.9])
    found = client.compare(a, b.id)
    assert (found.a, found.b) == ("sweep 1", "sweep 2")
    assert found.rows[0].metric == Metric.parse(METRIC)
    assert [dict(row.group) for row in found.rows] == [{"optimizer.lr": 0.1}, {"optimizer.lr": 0.2}]
    assert [row.verdict for row in found.rows] == ["identical", "changed"]
    assert found.report.startswith("test loss at the last step (lr = 0.2) rose to 2 times [")
    assert found.recipe == {"optimizer.momentum": (0.0, 0.9)}


def test_lists_of_jobs_by_handle_and_by_number(client: Client, world: World) -> None:
    a, b = night(client, world, {0.1: [1, 1.1]}), night(client, world, {0.1: [1, 1.1]}, first_seed=7)
    found = client.compare(a, [job.id for job in b], "defects.median", threshold="10%", confidence=0.9)
    assert (found.a, found.b) == ("jobs 1, 2", "jobs 3, 4")
    assert (found.threshold, found.confidence, found.changed) == (0.1, 0.9, False)
    with pytest.raises(Refused, match="there is nothing to compare: an empty list has no jobs"):
        client.compare(a, [])


def test_the_name_of_a_list_is_short(client: Client, world: World) -> None:
    a, b = night(client, world, {0.1: [1, 2, 3, 4]}), night(client, world, {0.1: [1, 2]}, first_seed=7)
    assert client.compare(a, b).a == "jobs 1, 2, 3, …"


def test_an_unfinished_sweep_is_refused_and_one_that_is_not_there(client: Client, world: World) -> None:
    a = swept(client, world, 0.0, [1.0, 1.1, 0.9, 2.0])
    waiting = client.submit(Sweep(base=Brackets(training=Training(steps=3), examples=range(4)), seeds=2))
    with pytest.raises(Refused, match=r"sweep 2 is not finished: 2 of 2 jobs have not ended, job \d+ is queued"):
        client.compare(a, waiting)
    with pytest.raises(NotFound, match="there is no sweep 9"):
        client.compare(a, 9)
