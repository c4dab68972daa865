"""Cancel and retry of a whole sweep, beside others that share its jobs."""

import pytest

from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.optimizers import Sgd
from schemas.sweeps import Sweep
from schemas.training import Training
from service.errors import Missing
from service.queue.retry import retry
from service.queue.sweeps import read
from service.queue.sweeps.ends import end_sweeps
from service.queue.sweeps.stop import cancel_sweep, retry_sweep
from service.queue.upkeep import plan_jobs

RUN = Training(steps=4, optimizer=Sgd(lr=0.1), checkpoints=(0,))
RUNS = Sweep(base=RUN, axes={"optimizer.lr": [0.1, 0.2, 0.3]})
TESTS = Sweep(base=Diagnostic(), axes={"blocks": [1, 2, 3]})


def call(desk, work, *arguments):
    with desk.engine.begin() as connection:
        return work(connection, *arguments)


def states(desk):
    return [row.state for row in desk.sql("select state from jobs order by id")]


def sweep(desk, sweep_id):
    return desk.sql("select * from sweeps where id = :sweep", sweep=sweep_id)[0]


def test_cancel_ends_queued_and_running_jobs_and_the_runs_made_for_them(desk):
    made = desk.sweep(Sweep(base=Brackets(training=RUN, examples=First(count=4)), axes={"examples.count": [3, 4]}))
    assert call(desk, cancel_sweep, made.sweep_id) == 3
    assert states(desk) == ["cancelled"] * 3
    assert sweep(desk, made.sweep_id).state == "cancelling"
    assert call(desk, end_sweeps) == 1
    ended = sweep(desk, made.sweep_id)
    assert (ended.state, ended.finished_at is None) == ("cancelled", False)
    assert call(desk, end_sweeps) == 0


def test_cancel_waits_for_running_blocks(desk):
    made = desk.sweep(TESTS)
    plan_jobs(desk.engine)
    held = desk.claim(limit=1)
    call(desk, cancel_sweep, made.sweep_id)
    assert sorted(states(desk)) == ["cancelled", "cancelled", "cancelling"]
    assert call(desk, end_sweeps) == 0
    desk.commit(desk.done(held[0]))
    assert call(desk, end_sweeps) == 1


def test_cancel_leaves_what_others_want(desk):
    alone = desk.submit(RUN)
    first = desk.sweep(RUNS)
    second = desk.sweep(Sweep(base=RUN, axes={"optimizer.lr": [0.2, 0.4]}))
    assert call(desk, cancel_sweep, first.sweep_id) == 1
    rows = {row.spec["optimizer"]["lr"]: row for row in desk.sql("select * from jobs")}
    assert {rate: row.state for rate, row in rows.items()} == {
        0.1: "queued",
        0.2: "queued",
        0.3: "cancelled",
        0.4: "queued",
    }
    assert rows[0.1].id == alone
    assert rows[0.2].sweep_id == second.sweep_id
    assert call(desk, cancel_sweep, second.sweep_id) == 2


def test_retry_runs_what_failed_and_was_cancelled_and_opens_the_sweep(desk):
    made = desk.sweep(TESTS)
    plan_jobs(desk.engine)
    [first, *_] = desk.claim()
    desk.commit(desk.broken(first, "user", "bad luck"))
    call(desk, cancel_sweep, made.sweep_id)
    for block in desk.sql("select id, job_id, lease_token from blocks where state = 'running'"):
        desk.sql("update blocks set state = 'cancelled', lease_token = null where id = :id", id=block.id)
    desk.sql("update jobs set state = 'cancelled' where state = 'cancelling'")
    call(desk, end_sweeps)
    assert sweep(desk, made.sweep_id).state == "failed"
    assert call(desk, retry_sweep, made.sweep_id) == 3
    assert states(desk) == ["running"] * 3
    again = sweep(desk, made.sweep_id)
    assert (again.state, again.finished_at, again.cancel_requested_at) == ("running", None, None)


def test_retry_queues_what_was_never_planned_and_its_runs(desk):
    made = desk.sweep(Sweep(base=Brackets(training=RUN, examples=First(count=4)), axes={"examples.count": [3, 4]}))
    call(desk, cancel_sweep, made.sweep_id)
    call(desk, end_sweeps)
    assert call(desk, retry_sweep, made.sweep_id) == 3
    assert states(desk) == ["queued"] * 3
    assert sweep(desk, made.sweep_id).state == "running"


def test_a_sweep_goes_on_when_one_of_its_jobs_is_retried(desk):
    made = desk.sweep(TESTS)
    call(desk, cancel_sweep, made.sweep_id)
    call(desk, end_sweeps)
    call(desk, retry, 1)
    assert sweep(desk, made.sweep_id).state == "running"


def test_a_sweep_of_finished_jobs_ends_as_done(desk):
    made = desk.sweep(TESTS)
    plan_jobs(desk.engine)
    desk.commit(*(desk.done(block) for block in desk.claim()))
    assert call(desk, end_sweeps) == 1
    assert sweep(desk, made.sweep_id).state == "done"


@pytest.mark.parametrize("work", [cancel_sweep, retry_sweep])
def test_an_unknown_sweep_is_missing(desk, work):
    with pytest.raises(Missing, match="there is no sweep 7"):
        call(desk, work, 7)


def test_a_cancelled_sweep_goes_on_even_before_its_end_is_noticed(desk):
    made = desk.sweep(TESTS)
    call(desk, cancel_sweep, made.sweep_id)
    assert call(desk, read.detail, made.sweep_id).state == "cancelled"
    call(desk, retry_sweep, made.sweep_id)
    assert call(desk, read.detail, made.sweep_id).state == "running"
    resumed = sweep(desk, made.sweep_id)
    assert (resumed.state, resumed.cancel_requested_at) == ("running", None)
