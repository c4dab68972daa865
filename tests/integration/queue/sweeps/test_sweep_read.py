"""Sweeps as the API shows them."""

import pytest

from schemas.diagnostic import Diagnostic
from schemas.states import JobState, SweepState
from schemas.sweeps import Sweep
from service.errors import Missing
from service.queue.sweeps import read
from service.queue.upkeep import plan_jobs

TESTS = Sweep(base=Diagnostic(), axes={"blocks": [1, 2, 3]})


def call(desk, work, *arguments, **fields):
    with desk.engine.connect() as connection:
        return work(connection, *arguments, **fields)


def test_progress_counts_jobs_and_blocks_and_says_why_they_wait(desk):
    made = desk.sweep(TESTS, name="tests")
    plan_jobs(desk.engine)
    [first, second, *_] = desk.claim(limit=3)
    desk.commit(desk.done(first), desk.broken(second, "user", "block 17 broke"))
    shown = call(desk, read.detail, made.sweep_id)
    assert shown.jobs == {JobState.RUNNING: 1, JobState.DONE: 1, JobState.FAILED: 1}
    assert (shown.blocks.total, shown.blocks.done, shown.blocks.failed) == (6, 1, 1)
    assert (shown.blocks.running, shown.blocks.ready) == (1, 3)
    assert sum(shown.reasons.values()) == 1
    assert shown.sweep == TESTS
    assert shown.state is SweepState.RUNNING


def test_the_worst_failures_come_first_and_differ_in_more_than_numbers(desk):
    made = desk.sweep(Sweep(base=Diagnostic(), axes={"blocks": [1, 2, 3, 4]}))
    for job, reason in ((1, "step 3 diverged"), (2, "out of luck"), (3, "step 14 diverged"), (4, "step 5 diverged")):
        desk.sql("update jobs set state = 'failed', reason = :reason where id = :job", job=job, reason=reason)
    worst, other = call(desk, read.detail, made.sweep_id).failures
    assert (worst.count, worst.jobs, worst.reason) == (3, (1, 3, 4), "step 14 diverged")
    assert (other.count, other.reason) == (1, "out of luck")


def test_pages_go_backwards_through_sweeps_and_can_be_filtered(desk):
    made = [desk.sweep(TESTS, always=True, name=f"n{k % 2}", tags=(f"t{k}",), project="p").sweep_id for k in range(5)]
    first = call(desk, read.page, limit=2)
    assert [item.id for item in first.items] == [made[4], made[3]]
    rest = call(desk, read.page, cursor=int(first.next), limit=10)
    assert [item.id for item in rest.items] == made[2::-1]
    assert rest.next is None
    assert [item.id for item in call(desk, read.page, name="n1").items] == [made[3], made[1]]
    assert [item.id for item in call(desk, read.page, tag="t2").items] == [made[2]]
    assert call(desk, read.page, project="other").items == ()
    assert len(call(desk, read.page, state=SweepState.RUNNING).items) == 5


def test_jobs_of_a_sweep_come_in_its_order(desk):
    made = desk.sweep(TESTS)
    first = call(desk, read.jobs, made.sweep_id, limit=2)
    rest = call(desk, read.jobs, made.sweep_id, cursor=int(first.next))
    jobs = [*first.items, *rest.items]
    assert [one.varied for one in jobs] == [{"blocks": 1}, {"blocks": 2}, {"blocks": 3}]
    assert [one.position for one in jobs] == [0, 1, 2]
    desk.sql("update jobs set state = 'cancelled' where id = :job", job=jobs[1].job.id)
    assert [one.position for one in call(desk, read.jobs, made.sweep_id, state=JobState.CANCELLED).items] == [1]


@pytest.mark.parametrize("work", [read.sweep, read.detail, read.jobs])
def test_an_unknown_sweep_is_missing(desk, work):
    with pytest.raises(Missing, match="there is no sweep 7"):
        call(desk, work, 7)
