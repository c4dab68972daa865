"""Handles: what they ask for, and what they make of the answers."""

import hashlib
from pathlib import Path

import numpy as np
import polars
import pytest

from holonomy import (
    Brackets,
    BracketsJob,
    Client,
    Diagnostic,
    JobFailed,
    NotFound,
    NotStored,
    ServiceFault,
    Training,
    TrainingJob,
)
from schemas.states import JobState
from tests.support.fake_service import World


@pytest.fixture
def job(client: Client, world: World) -> BracketsJob:
    training = Training(steps=9, checkpoints=(0, 9))
    parent = client.submit(training)
    found = client.submit(Brackets(training=training, examples=range(3)))
    world.jobs[found.id] = world.jobs[found.id].model_copy(update={"parents": (parent.id,)})
    return found


def test_pairs_come_largest_first_from_the_step_asked_for(job: BracketsJob, world: World) -> None:
    world.tables["pairs"] = polars.DataFrame({"step": [0, 9, 9], "i": [0, 0, 1], "bracket_norm": [3.0, 1.0, 2.0]})
    assert job.pairs()["bracket_norm"].to_list() == [3.0, 2.0, 1.0]
    assert job.pairs(9, columns=["i"], limit=1).rows() == [(1,)]
    assert job.pairs(where="bracket_norm < 2").rows() == [(9, 0, 1.0)]


def test_the_training_run_is_the_parent(job: BracketsJob, world: World) -> None:
    world.tables["checkpoints"] = polars.DataFrame({"step": [9, 0]})
    assert isinstance(job.training, TrainingJob)
    assert job.checkpoints()["step"].to_list() == [0, 9]


def test_a_job_without_a_parent_says_so(client: Client) -> None:
    orphan = client.submit(Brackets(training=Training(steps=1), examples=range(2)))
    with pytest.raises(NotFound, match=f"job {orphan.id} names no training run"):
        _ = orphan.training


def test_arrays_are_fetched_when_asked_for(job: BracketsJob, world: World) -> None:
    logits, bracket = np.arange(6.0).reshape(2, 3), {"net.0.weight": np.ones((2, 2), np.float32)}
    world.arrays = {
        "logits?step=9&i=0&j=1": {"logits": logits},
        "bracket?step=9&i=1&j=0": bracket,
        "checkpoint?step=9": {"parameters/w": np.zeros(3)},
    }
    np.testing.assert_array_equal(job.logits(0, 1, step=9), logits)
    np.testing.assert_array_equal(job.bracket(1, 0, step=9)["net.0.weight"], bracket["net.0.weight"])
    assert job.training.checkpoint(9)["parameters/w"].shape == (3,)
    with pytest.raises(NotStored, match="is not stored"):
        job.bracket(0, 2, step=9)


def test_bytes_that_are_no_arrays_are_said_to_be_so(job: BracketsJob, world: World) -> None:
    world.objects["log.txt"] = b"x"
    with pytest.raises(ServiceFault, match=r"object log.txt did not arrive as safetensors"):
        job.object("log.txt")


def test_objects_are_downloaded_whole_or_not_at_all(job: BracketsJob, world: World, tmp_path: Path) -> None:
    world.objects["tiles/000000009/0-0"] = bytes(3_000_000)
    manifest = job.manifest()
    assert manifest.objects[0].sha256 == hashlib.sha256(bytes(3_000_000)).hexdigest()
    assert job.download("tiles/000000009/0-0", tmp_path / "tile").read_bytes() == bytes(3_000_000)
    with pytest.raises(NotFound, match="has no object 'nothing'"):
        job.download("nothing", tmp_path / "nothing")
    assert [path.name for path in tmp_path.iterdir()] == ["tile"]


def test_damaged_downloads_leave_nothing(job: BracketsJob, world: World, tmp_path: Path) -> None:
    class Liar(dict[str, bytes]):
        def __getitem__(self, name: str) -> bytes:
            return b"something else"

    world.objects = Liar(tile=b"what was promised")
    with pytest.raises(ServiceFault, match="object tile arrived damaged"):
        job.download("tile", tmp_path / "tile")
    assert list(tmp_path.iterdir()) == []


def test_waiting_shows_progress_and_gives_the_handle_back(
    job: BracketsJob, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.progress(job.id, 3, 4)
    world.move(job.id, JobState.DONE)
    world.move(job.status().parents[0], JobState.DONE)
    assert job.wait() is job
    shown = capsys.readouterr()
    assert f"brackets {job.id}" in shown.err
    assert shown.out == ""


def test_a_failed_parent_fails_the_child_that_waits(job: BracketsJob, world: World) -> None:
    world.fail(job.status().parents[0], "the loss is NaN at step 3")
    world.move(job.id, JobState.FAILED, reason="job 1 failed: the loss is NaN at step 3")
    with pytest.raises(JobFailed, match=f"job {job.id} failed: job 1 failed: the loss is NaN") as caught:
        job.wait()
    assert caught.value.job.state == "failed"


def test_logs_are_followed_to_the_end(client: Client, world: World) -> None:
    job = client.submit(Diagnostic())
    line = {"at": "2026-01-01T00:00:00Z", "level": "info", "block_id": None, "message": "hello", "data": {}}
    world.events = [{**line, "id": number} for number in (1, 2, 3)]
    assert [event.id for event in job.logs()] == [1, 2, 3]
    world.move(job.id, JobState.DONE)
    assert [event.id for event in job.logs(follow=True)] == [1, 2, 3]
