"""Cancel and retry."""

import pytest
from sqlalchemy import event

from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.states import BlockState, JobState
from schemas.training import Training
from service.errors import Conflict, Missing
from service.queue import settle
from service.queue.cancel import cancel, end_overdue
from service.queue.retry import retry
from service.queue.upkeep import plan_jobs

TRAINING = Training(steps=4, checkpoints=(2,))


@pytest.fixture
def stop(desk):
    def stop(job_id):
        with desk.engine.begin() as connection:
            return cancel(connection, job_id)

    return stop


@pytest.fixture
def again(desk):
    def again(job_id):
        with desk.engine.begin() as connection:
            retry(connection, job_id)

    return again


def test_a_queued_job_is_cancelled_at_once(desk, stop):
    job_id = desk.submit(Diagnostic())
    assert stop(job_id) == JobState.CANCELLED
    assert desk.job(job_id).finished_at is not None
    assert plan_jobs(desk.engine) == 0
    assert stop(job_id) == JobState.CANCELLED


def test_running_blocks_are_told_and_the_job_ends_with_them(desk, stop):
    job_id = desk.start(Diagnostic(blocks=4))
    told, finished = desk.claim(2)
    assert stop(job_id) == JobState.CANCELLING
    assert desk.claim() == []
    assert desk.renew(told, finished).cancelled == {told.block_id, finished.block_id}
    assert desk.commit(desk.done(finished)) == [True]
    assert desk.job(job_id).state == JobState.CANCELLING
    assert desk.commit(desk.broken(told, "cancelled")) == [True]
    job = desk.job(job_id)
    assert (job.state, job.progress.done, job.progress.ready) == (JobState.CANCELLED, 1, 0)


def test_a_job_whose_last_blocks_finish_all_the_same_is_done(desk, stop):
    job_id = desk.start(Diagnostic())
    [block] = desk.claim()
    stop(job_id)
    desk.commit(desk.done(block))
    assert desk.job(job_id).state == JobState.DONE


def test_after_the_grace_period_the_lease_is_taken_away(desk, stop):
    job_id = desk.start(Diagnostic())
    [block] = desk.claim()
    stop(job_id)
    with desk.engine.begin() as connection:
        assert end_overdue(connection, 3600) == 0
        assert end_overdue(connection, 0) == 1
    assert desk.job(job_id).state == JobState.CANCELLED
    assert desk.renew(block).lost == {block.block_id}
    assert desk.commit(desk.done(block)) == [False]


def test_cancelling_takes_implicit_parents_that_nobody_else_needs(desk, stop):
    one = desk.submit(Brackets(training=TRAINING, examples=First(count=2)))
    two = desk.submit(Brackets(training=TRAINING, examples=First(count=3)))
    stop(one)
    assert desk.job(1).state == JobState.QUEUED
    stop(two)
    assert desk.job(1).state == JobState.CANCELLED


def test_a_training_run_asked_for_by_itself_outlives_its_child(desk, stop):
    parent = desk.submit(TRAINING)
    stop(desk.submit(Brackets(training=TRAINING, examples=First(count=2))))
    assert desk.job(parent).state == JobState.QUEUED


def test_unknown_jobs(stop, again):
    with pytest.raises(Missing, match="there is no job 9"):
        stop(9)
    with pytest.raises(Missing, match="there is no job 9"):
        again(9)


def test_a_failed_job_goes_on_from_where_it_stopped(desk, again):
    job_id = desk.start(TRAINING)
    [first] = desk.claim()
    desk.commit(desk.done(first, "schedule", "checkpoints/000000002"))
    [second] = desk.claim()
    with pytest.raises(Conflict, match="only failed and cancelled jobs can be retried; job 1 is running"):
        again(job_id)
    desk.commit(desk.broken(second, "user", "nan"))
    again(job_id)
    job = desk.job(job_id)
    assert (job.state, job.error, job.finished_at, job.progress.done) == (JobState.RUNNING, None, None, 1)
    [second] = desk.claim()
    desk.commit(desk.done(second, "checkpoints/000000004"))
    assert desk.job(job_id).state == JobState.DONE


def test_a_cancelled_job_waits_for_its_phases_again(desk, stop, again):
    job_id = desk.start(TRAINING)
    stop(job_id)
    assert {block.state for block in desk.blocks(job_id)} == {BlockState.CANCELLED}
    again(job_id)
    assert [block.state for block in desk.blocks(job_id)] == [BlockState.READY, BlockState.WAITING]
    assert [block.reason for block in desk.blocks(job_id)][1] == "waiting for an earlier phase"


def test_retrying_a_child_retries_its_failed_parent(desk, again):
    child = desk.submit(Brackets(training=TRAINING, examples=First(count=2)))
    plan_jobs(desk.engine)
    [block] = desk.claim()
    desk.commit(desk.broken(block, "user", "nan at step 1"))
    plan_jobs(desk.engine)
    failed = desk.job(child)
    assert failed.state == JobState.FAILED
    assert failed.error.message == "its parent, job 1 (training), failed: nan at step 1"
    again(child)
    assert (desk.job(1).state, desk.job(child).state) == (JobState.RUNNING, JobState.QUEUED)


def test_a_child_of_a_cancelled_parent_fails_and_says_so(desk, stop):
    parent = desk.submit(TRAINING)
    child = desk.submit(Brackets(training=TRAINING, examples=First(count=2)))
    stop(parent)
    plan_jobs(desk.engine)
    assert "its parent, job 1 (training), was cancelled" in desk.job(child).reason


def test_a_block_told_to_stop_by_a_job_that_was_retried_runs_again(desk, again):
    job_id = desk.start(Diagnostic(blocks=2))
    bad, told = desk.claim()
    desk.commit(desk.broken(bad, "user"))
    again(job_id)
    desk.commit(desk.broken(told, "cancelled"))
    assert [block.state for block in desk.blocks(job_id)] == [BlockState.READY, BlockState.READY]


def test_large_jobs_are_changed_in_pieces(desk, stop, again, monkeypatch):
    monkeypatch.setattr(settle, "_PIECE", 3)
    job_id = desk.start(Diagnostic(blocks=10))
    statements = []
    event.listen(desk.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    assert stop(job_id) == JobState.CANCELLED
    assert sum("set state = 'cancelled'" in statement for statement in statements) == 4
    assert {block.state for block in desk.blocks(job_id)} == {BlockState.CANCELLED}
    again(job_id)
    assert {block.state for block in desk.blocks(job_id)} == {BlockState.READY}
