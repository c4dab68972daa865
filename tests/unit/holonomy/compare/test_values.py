"""Values of jobs: rows reduced by step and arm, against plain arithmetic."""

import math

import numpy as np
import polars
import pytest

from holonomy import Brackets, Client, Training
from holonomy.compare import values
from holonomy.compare.metrics import BRACKET_RMS, END_DISTANCE, END_LOSS, MEDIAN_DEFECT, Metric
from holonomy.compare.values import Place, Value, reduced, values_of
from schemas.states import JobState
from tests.support.fake_service import World
from tests.support.nights import STEP, named, night
from tests.support.replica_tables import SPEC, TABLES

ROWS = polars.DataFrame({"step": [0, 0, 0, 9, 9], "defect": [1.0, 2.0, 6.0, 4.0, None]})


@pytest.mark.parametrize(
    ("reduction", "number"), [("mean", 3.0), ("rms", math.sqrt(41 / 3)), ("median", 2.0), ("min", 1.0), ("max", 6.0)]
)
def test_each_step_is_reduced_on_its_own(reduction: str, number: float) -> None:
    found = reduced(ROWS, Metric("pairs", "defect", reduction))
    assert found == {Place(0): Value(pytest.approx(number), 3, 0), Place(9): Value(4.0, 2, 1)}


def test_the_last_step_is_called_so() -> None:
    assert reduced(ROWS, Metric("pairs", "defect", step="last")) == {Place("last"): Value(4.0, 2, 1)}


def test_without_a_finite_value_there_is_no_number() -> None:
    rows = polars.DataFrame({"step": [0, 0], "defect": [math.inf, math.nan]})
    found = reduced(rows, Metric("pairs", "defect"))
    assert found[Place(0)].missing
    assert (found[Place(0)].rows, found[Place(0)].lost) == (2, 2)
    assert reduced(rows.clear(), Metric("pairs", "defect")) == {}


def test_means_over_tensors_are_means_over_elements() -> None:
    values = [np.array([3.0, -1.0, 2.0]), np.array([5.0])]
    rows = polars.DataFrame(
        {
            "step": [0, 0, 0],
            "bracket_rms": [*(float(np.sqrt(np.mean(one**2))) for one in values), None],
            "numel": [3, 1, 7],
        }
    )
    whole = float(np.sqrt(np.mean(np.concatenate(values) ** 2)))
    assert reduced(rows, BRACKET_RMS) == {Place(0): Value(pytest.approx(whole), 3, 1)}


def test_truth_values_count_as_shares() -> None:
    rows = polars.DataFrame({"step": [0, 0, 0, 0], "agrees": [True, True, False, True]})
    assert reduced(rows, Metric("reorderings", "agrees"))[Place(0)].number == 0.75


def test_replicas_are_told_apart_by_arm_and_twins_do_not_count(client: Client, world: World) -> None:
    job = client.submit(SPEC)
    world.tables = {f"{job.id}/{name}": rows for name, rows in TABLES.items()}
    world.fail(job.id, "the baseline must stay finite")
    job.status()
    assert values_of(named(client, "A", [job]), END_DISTANCE) == {}
    world.move(job.id, JobState.DONE)
    job.status()
    ends = values_of(named(client, "A", [job]), END_DISTANCE)
    assert ends == {1: {Place(arm="near"): Value(2.5, 2, 0), Place(arm="other"): Value(4.5, 3, 1)}}
    looks = values_of(named(client, "A", [job]), Metric.parse("replica_metrics.distance@20"))
    assert looks == {1: {Place(20, "near"): Value(2.5, 2, 0), Place(20, "other"): Value(5.0, 3, 0)}}


def test_losses_of_bracket_jobs_are_those_of_their_training_runs(client: Client, world: World) -> None:
    run = client.submit(Training(steps=9))
    world.tables[f"{run.id}/checkpoints"] = polars.DataFrame({"step": [0, 9], "test_loss": [2.0, 0.5]})
    jobs = [client.submit(Brackets(training=Training(steps=9), examples=range(count))) for count in (3, 4)]
    for job in jobs:
        world.move(job.id, JobState.DONE, parents=(run.id,))
    found = values_of(named(client, "A", [client.job(job.id) for job in jobs]), END_LOSS)
    assert found == {job.id: {Place("last"): Value(0.5, 1, 0)} for job in jobs}


def test_a_side_is_read_in_parts_that_fit_an_address(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "TOGETHER", 2)
    jobs = night(client, world, {0.1: [1.0, 2.0, 3.0]})
    found = values_of(named(client, "A", jobs), MEDIAN_DEFECT)
    assert [one[Place(STEP)].number for one in found.values()] == [1.0, 2.0, 3.0]
    assert sum("/v1/tables/defects" in request for request in world.requests) == 2
