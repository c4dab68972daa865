"""Replica jobs on the command line."""

from pathlib import Path
from typing import Any

import pytest

from holonomy import Client, ReplicasJob
from schemas.states import JobState
from tests.support.fake_service import World
from tests.support.replica_tables import SPEC, TABLES

Command = Any


@pytest.fixture
def job(client: Client, world: World) -> ReplicasJob:
    world.tables = dict(TABLES)
    return client.submit(SPEC)


def test_a_finished_job_is_reported(command: Command, job: ReplicasJob, world: World) -> None:
    world.move(job.id, JobState.DONE)
    report = command("results", job.id).stdout
    assert "How far replicas drifted" in report
    assert "Floor: held." in report


def test_a_job_that_is_not_done_says_where_it_stands(command: Command, job: ReplicasJob, world: World) -> None:
    waiting = command("results", job.id)
    assert waiting.exit_code == 2
    assert f"job {job.id} is queued and has no report yet" in waiting.stderr
    assert f"`holonomy results {job.id} --table replica_metrics` the distances so far" in waiting.stderr
    world.fail(job.id, "the baseline must stay finite")
    assert "the baseline must stay finite" in command("results", job.id).stderr


def test_its_tables_are_printed(command: Command, job: ReplicasJob) -> None:
    columns = ("--columns", "replica,distance", "--csv")
    metrics = command(
        "results", job.id, "--table", "replica_metrics", "--step", 10, "--where", "replica < 0", *columns
    )
    assert metrics.stdout == "replica,distance\n-2,1.0\n-1,1.0\n"
    assert command("results", job.id, "--csv").stdout.startswith("replica,arm,")
    other = command("results", job.id, "--table", "pairs")
    assert "a replicas job has no table pairs, but replicas, replica_metrics" in other.stderr


def test_a_spec_file_is_submitted(command: Command, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "replicas.yaml"
    path.write_text(
        "kind: replicas\n"
        "training: {steps: 10}\n"
        "arms:\n"
        "  - perturbations: [{kind: sphere, epsilon: 0.1, scale: global}]\n"
    )
    assert "job 1 submitted" in command("submit", path).stderr
    assert isinstance(client.job(1), ReplicasJob)
    path.write_text(path.read_text().replace("0.1", "2.5"))
    wrong = command("submit", path).stderr
    assert "replicas.yaml:4: " in wrong
    assert "a relative epsilon is at most 2; came 2.5" in wrong
