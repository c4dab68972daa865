"""The commit is fenced, happens once, and one bad outcome does not spoil a batch."""

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from schemas.blocks import ErrorKind
from schemas.diagnostic import Diagnostic
from schemas.states import BlockState, JobState
from schemas.training import Training

FIT = {
    "step": [7],
    "tensors": [3],
    "excluded": [0],
    "intercept": [0.5],
    "residual_sd_decades": [0.1],
    "slope": [None],
    "free_intercept": [None],
    "pearson_r": [None],
    "r_squared_slope_1": [None],
}


def test_a_finished_job_is_done(desk):
    job_id = desk.start(Diagnostic(blocks=3))
    blocks = desk.claim()
    assert desk.commit(*(desk.done(block, data={"n": 1}) for block in blocks)) == [True] * 3
    job = desk.job(job_id)
    assert (job.state, job.progress.done, job.reason) == (JobState.DONE, 3, None)
    assert job.finished_at is not None
    assert desk.sql("select record -> 'data' as data from blocks")[0].data == {"n": 1}


def test_a_stale_holder_cannot_commit(desk):
    desk.start(Diagnostic())
    [old] = desk.claim(holder="old")
    desk.lapse()
    assert desk.rescue() == 1
    [new] = desk.claim(holder="new")
    assert desk.commit(desk.done(old, "stale", data={"from": "old"}, rows={"fits": FIT})) == [False]
    assert desk.commit(desk.done(new, data={"from": "new"})) == [True]
    assert desk.commit(desk.done(old, "stale", data={"from": "old"}, rows={"fits": FIT})) == [False]
    assert desk.commit(desk.broken(old, "user")) == [False]
    assert desk.sql("select record -> 'data' ->> 'from' as holder from blocks")[0].holder == "new"
    assert desk.sql("select count(*) as n from fits")[0].n == 0
    assert desk.sql("select count(*) as n from objects")[0].n == 0


def test_an_expired_holder_cannot_commit_even_before_the_rescuer_comes(desk):
    desk.start(Diagnostic())
    [block] = desk.claim()
    desk.lapse()
    assert desk.commit(desk.done(block)) == [False]
    desk.renew(block)
    assert desk.commit(desk.done(block)) == [True]


def test_a_foreign_token_or_job_is_refused(desk):
    desk.start(Diagnostic())
    [block] = desk.claim()
    assert desk.commit(desk.done(replace(block, token=uuid.uuid4()))) == [False]
    assert desk.commit(desk.done(replace(block, job_id=block.job_id + 1))) == [False]


def test_stale_outcomes_do_not_spoil_a_batch(desk):
    job_id = desk.start(Diagnostic(blocks=3))
    first, second, third = desk.claim()
    stale = desk.done(replace(second, token=uuid.uuid4()))
    assert desk.commit(desk.done(first), stale, desk.broken(third, "internal")) == [True, False, True]
    states = [block.state for block in desk.blocks(job_id)]
    assert states == [BlockState.DONE, BlockState.RUNNING, BlockState.READY]


def test_the_first_word_about_a_block_counts(desk):
    desk.start(Diagnostic())
    [block] = desk.claim()
    assert desk.commit(desk.done(block), desk.broken(block, "user")) == [True, False]


@pytest.mark.parametrize(
    "rows",
    [
        {"fits": FIT | {"step": [1, 2]}},
        {"fits": {"step": [1]}},
        {"nonsense": {"a": [1]}},
        {"fits": FIT | {"step": [None]}},
        {"tensors": {"step": [1], "tensor": ["a\0b"], "position": [0], "numel": [1], "gradient_rms": [0.0],
                     "bracket_rms": [0.0], "zero_gradient": [False]}},
    ],
    ids=["lengths", "columns", "table", "null", "nul"],
)  # fmt: skip
def test_rows_that_do_not_fit_break_their_block_alone(desk, rows):
    job_id = desk.start(Diagnostic(blocks=2))
    good, bad = desk.claim()
    assert desk.commit(desk.done(good), desk.done(bad, rows=rows)) == [True, True]
    kept, broken = desk.blocks(job_id)
    assert kept.state == BlockState.DONE
    assert (broken.state, broken.attempts) == (BlockState.READY, 1)
    assert "the result could not be stored" in broken.error.message


def test_a_record_that_is_no_record_breaks_its_block_alone(desk):
    job_id = desk.start(Diagnostic(blocks=2))
    good, bad = desk.claim()
    assert desk.commit(desk.done(good), replace(desk.done(bad), record_json='{"data": {"x": NaN}}')) == [True, True]
    assert [block.attempts for block in desk.blocks(job_id)] == [0, 1]


def test_two_blocks_cannot_write_one_object(desk):
    job_id = desk.start(Diagnostic(blocks=2))
    first, second = desk.claim()
    assert desk.commit(desk.done(first, "diagnostic/0"), desk.done(second, "diagnostic/0")) == [True, True]
    assert [block.state for block in desk.blocks(job_id)] == [BlockState.DONE, BlockState.READY]


def test_messages_that_postgres_cannot_hold_are_mended(desk):
    desk.start(Diagnostic())
    [block] = desk.claim()
    assert desk.commit(desk.broken(block, "user", "a\0b \ud800")) == [True]
    assert desk.job(block.job_id).error.message == "a�b ?"


def test_concurrent_committers_commit_each_block_once(desk):
    """Eight threads commit the same outcomes, in different orders, mixed over two jobs with two phases each."""
    spec = Training(steps=2, checkpoints=(1,))
    ids = [desk.start(spec.model_copy(update={"seed": seed})) for seed in range(2)]
    ids.append(desk.start(Diagnostic(blocks=60)))
    for _ in range(2):
        outcomes = []
        for block in desk.claim(200):
            names = [f"{block.block_id}"] if block.job_id == ids[2] else ["schedule", "checkpoints/000000001"]
            if block.run and '"start": 1' in block.payload_json:
                names = ["checkpoints/000000002"]
            outcomes.append(desk.done(block, *names))
        with ThreadPoolExecutor(8) as pool:
            shifted = [outcomes[k * 7 % len(outcomes) :] + outcomes[: k * 7 % len(outcomes)] for k in range(8)]
            answers = list(pool.map(lambda batch: desk.commit(*batch), shifted))
        accepted = Counter(
            outcome.block_id
            for batch, answer in zip(shifted, answers, strict=True)
            for outcome, counted in zip(batch, answer, strict=True)
            if counted
        )
        assert accepted == {outcome.block_id: 1 for outcome in outcomes}
    for job_id in ids:
        job = desk.job(job_id)
        assert (job.state, job.progress.done) == (JobState.DONE, job.progress.total)
    ends = desk.sql("select job_id, count(*) as n from events where message = 'job done' group by job_id")
    assert {row.job_id: row.n for row in ends} == dict.fromkeys(ids, 1)


def test_the_next_phase_opens_when_the_last_block_of_one_is_done(desk):
    job_id = desk.start(Training(steps=2, checkpoints=(1,)))
    assert [block.state for block in desk.blocks(job_id)] == [BlockState.READY, BlockState.WAITING]
    assert desk.blocks(job_id)[1].reason == "waiting for an earlier phase"
    [first] = desk.claim()
    desk.commit(desk.done(first, "schedule", "checkpoints/000000001"))
    [second] = desk.claim()
    assert '"checkpoints/000000001"' in second.inputs_json
    desk.commit(desk.done(second, "checkpoints/000000002"))
    assert desk.job(job_id).state == JobState.DONE


def test_costs_follow_what_was_measured(desk):
    spec = Training(steps=10)
    desk.start(spec)
    [block] = desk.claim()
    desk.commit(desk.done(block, kernel_seconds=4.0, seconds=5.0))
    desk.start(spec, fresh=True)
    [block] = desk.claim()
    desk.commit(desk.done(block, kernel_seconds=9.0, seconds=9.5))
    [cost] = desk.sql("select * from costs")
    assert cost.key.startswith("training_segment/mlp/")
    assert cost.key.endswith("/cpu")
    assert cost.seconds_per_unit == pytest.approx(0.8 * 0.4 + 0.2 * 0.9)
    assert cost.samples == 2


@pytest.mark.parametrize(
    ("kind", "attempts", "shrink", "state"),
    [
        ("user", 0, 0, BlockState.FAILED),
        ("memory", 0, 1, BlockState.READY),
        ("unavailable", 0, 0, BlockState.READY),
        ("lost", 0, 0, BlockState.READY),
        ("cancelled", 0, 0, BlockState.READY),
        ("timeout", 1, 0, BlockState.READY),
        ("internal", 1, 0, BlockState.READY),
    ],
)
def test_what_a_failure_leads_to(desk, kind: ErrorKind, attempts, shrink, state):
    job_id = desk.start(Diagnostic(blocks=2))
    block, other = desk.claim()
    assert desk.commit(desk.broken(block, kind, "because")) == [True]
    broken = desk.blocks(job_id)[0]
    assert (broken.state, broken.attempts) == (state, attempts)
    assert (broken.error.message, broken.error.traceback) == ("because", "tb")
    assert desk.sql("select shrink from blocks where id = :id", id=block.block_id)[0].shrink == shrink
    assert desk.renew(other).cancelled == ({other.block_id} if state == BlockState.FAILED else frozenset())
    job = desk.job(job_id)
    assert job.state == (JobState.FAILED if state == BlockState.FAILED else JobState.RUNNING)
    assert job.reason == ("because" if state == BlockState.FAILED else job.reason)


def test_a_block_fails_after_its_last_attempt(desk):
    job_id = desk.start(Diagnostic(blocks=2))
    for attempt in range(1, 4):
        block = desk.claim(1)[0]
        desk.commit(desk.broken(block, "internal"))
        desk.due()
        assert desk.blocks(job_id)[0].attempts == attempt
    failed, queued = desk.blocks(job_id)
    assert (failed.state, failed.reason) == (BlockState.FAILED, "failed 3 of 3 times")
    assert (queued.state, queued.reason) == (BlockState.CANCELLED, "its job failed")
    assert desk.job(job_id).state == JobState.FAILED


def test_what_still_runs_when_a_job_fails_may_finish(desk):
    job_id = desk.start(Diagnostic(blocks=2))
    bad, good = desk.claim()
    desk.commit(desk.broken(bad, "user"))
    assert desk.commit(desk.done(good)) == [True]
    job = desk.job(job_id)
    assert (job.state, job.progress.done, job.progress.failed) == (JobState.FAILED, 1, 1)
