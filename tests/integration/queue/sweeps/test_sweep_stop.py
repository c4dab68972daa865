"""Cancel and retry of a whole sweep, beside others that share its jobs."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, event, text

from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.optimizers import Sgd
from schemas.sweeps import Sweep
from schemas.training import Training
from service.errors import Missing
from service.queue.cancel import cancel
from service.queue.commit import commit
from service.queue.mending import mend
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


@contextmanager
def held(desk, *jobs: int) -> Iterator[Connection]:
    """A transaction that has these job rows locked."""
    with desk.engine.begin() as connection:
        connection.execute(text("select from jobs where id = any(:jobs) for no key update"), {"jobs": list(jobs)})
        yield connection


def wait_for_lock(desk, work: "Future[object]") -> None:
    """Until somebody waits for a lock."""
    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    while not desk.sql(waiting):
        assert not work.done()


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
    plan_jobs(desk.engine)
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


def test_jobs_that_end_while_their_sweep_is_cancelled_stay_as_they_are(desk):
    made = desk.sweep(TESTS)
    plan_jobs(desk.engine)
    blocks = desk.claim()
    by_job = {job: [block for block in blocks if block.job_id == job] for job in (1, 2)}
    with ThreadPoolExecutor(1) as pool:
        with held(desk, 1, 2) as other:
            stopping = pool.submit(call, desk, cancel_sweep, made.sweep_id)
            wait_for_lock(desk, stopping)
            commit(other, [*map(desk.done, by_job[1]), *(desk.broken(block, "user") for block in by_job[2])])
        assert stopping.result() == 1
    assert states(desk) == ["done", "failed", "cancelling"]


def test_cancel_locks_runs_before_the_jobs_that_wait_for_them(desk):
    """Whoever commits locks in the order of ids too: in any other order, both would wait for ever."""
    made = desk.sweep(Sweep(base=Brackets(training=RUN, examples=First(count=4)), axes={"examples.count": [3, 4]}))
    with ThreadPoolExecutor(1) as pool:
        with held(desk, 1) as other:
            stopping = pool.submit(call, desk, cancel_sweep, made.sweep_id)
            wait_for_lock(desk, stopping)
            other.execute(text("select from jobs where id > 1 for no key update nowait"))
        assert stopping.result() == 3


def test_a_fresh_sweep_locks_jobs_before_the_sweep_that_it_supersedes(desk):
    """A cancellation and a retry lock jobs first."""
    made = desk.sweep(TESTS)
    with ThreadPoolExecutor(1) as pool:
        with held(desk, 1) as other:
            again = pool.submit(desk.sweep, TESTS, fresh=True)
            wait_for_lock(desk, again)
            other.execute(text("select from sweeps for no key update nowait"))
        assert again.result().sweep_id != made.sweep_id


def test_cancel_leaves_a_job_done_that_was_being_mended(desk):
    made = desk.sweep(TESTS)
    plan_jobs(desk.engine)
    desk.commit(*(desk.done(block, f"{block.job_id}/{block.block_id}") for block in desk.claim()))
    call(desk, end_sweeps)
    [lost] = desk.sql("select job_id, name, key from objects where job_id = 1")
    call(desk, mend, {lost.job_id: [lost.name]}, [lost.key])
    assert states(desk) == ["queued", "done", "done"]
    call(desk, cancel_sweep, made.sweep_id)
    assert states(desk) == ["done"] * 3
    assert not desk.sql("select from blocks where mending or state <> 'done'")


def test_cancel_ends_a_run_that_was_made_for_another_job_which_is_cancelled_already(desk):
    alone = desk.submit(Brackets(training=RUN, examples=First(count=5)))
    made = desk.sweep(Sweep(base=Brackets(training=RUN, examples=First(count=4)), axes={"examples.count": [3, 4]}))
    call(desk, cancel, alone)
    assert states(desk) == ["queued", "cancelled", "queued", "queued"]
    assert call(desk, cancel_sweep, made.sweep_id) == 3
    assert states(desk) == ["cancelled"] * 4


def test_cancel_and_retry_take_as_many_statements_for_ten_jobs_as_for_three(desk):
    def statements(work, sweep_id):
        seen = []
        event.listen(desk.engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
        call(desk, work, sweep_id)
        return len(seen)

    counted = []
    for jobs in (3, 10):
        made = desk.sweep(Sweep(base=Diagnostic(seconds=jobs / 100), axes={"record_bytes": list(range(jobs))}))
        plan_jobs(desk.engine)
        counted.append([statements(work, made.sweep_id) for work in (cancel_sweep, retry_sweep)])
    assert counted[0] == counted[1]


def test_a_sweep_does_not_end_while_its_last_job_is_put_back(desk):
    made = desk.sweep(Sweep(base=Diagnostic(), axes={"blocks": [1]}))
    plan_jobs(desk.engine)
    desk.commit(desk.broken(*desk.claim(), "user"))
    with desk.engine.begin() as connection:
        retry(connection, 1)
        assert call(desk, end_sweeps) == 0
    desk.commit(*map(desk.done, desk.claim()))
    assert call(desk, end_sweeps) == 1
    assert sweep(desk, made.sweep_id).state == "done"
