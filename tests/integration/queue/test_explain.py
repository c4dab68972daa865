"""Why a job does not run is in its reason."""

import time
from collections import Counter

import pytest

from bench.filling import fill_sweep
from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.projects import ProjectLimits
from schemas.sweeps import Sweep
from schemas.training import Training
from service.queue.cancel import cancel
from service.queue.projects import set_limits
from service.queue.upkeep import explain, plan_jobs

DIAGNOSTICS = Sweep(base=Diagnostic(), axes={"record_bytes": [1, 2, 3, 4, 5]})


@pytest.fixture
def reason(desk):
    def reason(job_id):
        with desk.engine.begin() as connection:
            explain(connection)
        return desk.job(job_id).reason

    return reason


def test_no_dispatcher(desk, reason):
    job_id = desk.submit(Diagnostic())
    assert desk.job(job_id).reason == "no dispatcher alive"
    desk.beat()
    assert reason(job_id) == "waiting to be planned"
    desk.sql("update dispatchers set heartbeat_at = now() - interval '1 minute'")
    assert reason(job_id) == "no dispatcher alive"


def test_parents(desk, reason):
    desk.beat()
    child = desk.submit(Brackets(training=Training(steps=1), examples=First(count=2)))
    assert desk.job(child).reason == "waiting for parent 1"
    plan_jobs(desk.engine)
    assert reason(child) == "waiting for parent 1 (running)"


def test_devices_and_slots(desk, reason):
    desk.beat(cpu=2)
    cuda = desk.start(Training(steps=1, device="cuda"))
    cpu = desk.start(Training(steps=1, device="cpu"))
    assert reason(cuda) == "no cuda worker"
    assert reason(cpu) == "waiting for a free worker slot"
    desk.claim()
    assert reason(cpu) is None
    desk.beat(cpu=0, cuda=0)
    assert reason(desk.start(Diagnostic())) == "no worker"


def test_limits(desk, reason):
    desk.beat()
    job_id = desk.start(Diagnostic(blocks=9), max_running_blocks=4)
    desk.claim()
    assert reason(job_id) == "concurrency limit 4/4"


def test_limits_on_jobs(desk, reason):
    desk.beat()
    set_limits(desk.engine, "ablations", ProjectLimits(max_running_jobs=3))
    sweep = desk.sweep(DIAGNOSTICS, project="ablations", max_running_jobs=2).sweep_id
    plan_jobs(desk.engine)
    waiting = desk.sql("select id from jobs where state = 'queued' order by id")
    assert {reason(row.id) for row in waiting} == {f"sweep {sweep} runs 2 of at most 2 jobs"}
    desk.start(Diagnostic(), project="ablations")
    last = desk.start(Diagnostic(blocks=2), project="ablations")
    assert reason(last) == "project ablations runs 3 of at most 3 jobs"
    child = desk.submit(Brackets(training=Training(steps=1), examples=First(count=2)), project="ablations")
    assert reason(child) == f"waiting for parent {child - 1} (queued)"


def test_limits_on_blocks(desk, reason):
    desk.beat()
    set_limits(desk.engine, "ablations", ProjectLimits(max_running_blocks=3))
    sweep = desk.sweep(DIAGNOSTICS, project="ablations", max_running_blocks=2).sweep_id
    other = desk.start(Diagnostic(blocks=9), project="ablations")
    behind = desk.start(Diagnostic(blocks=8), project="ablations")
    desk.claim()
    rows = desk.sql("""
        select id, exists (select from blocks where job_id = jobs.id and state = 'running') as runs from jobs
        where sweep_id is not null order by id
    """)
    assert [reason(row.id) for row in rows if row.runs] == [None, None]
    assert {reason(row.id) for row in rows if not row.runs} == {f"sweep {sweep} runs 2 of at most 2 blocks"}
    assert (reason(other), reason(behind)) == (None, "project ablations runs 3 of at most 3 blocks")
    set_limits(desk.engine, "ablations", ProjectLimits(max_running_blocks=1))
    assert reason(behind) == "project ablations runs 3 of at most 1 blocks"
    set_limits(desk.engine, "ablations", ProjectLimits())
    assert reason(behind) == "waiting for a free worker slot"


def test_jobs_that_wait_behind_a_limit_are_written_once(desk):
    def changed():
        with desk.engine.begin() as connection:
            return explain(connection)

    desk.beat()
    sweep = desk.sweep(Sweep(base=Diagnostic(), axes={"record_bytes": list(range(50))}), max_running_jobs=3).sweep_id
    plan_jobs(desk.engine)
    assert changed() == 50
    for _ in range(5):
        assert changed() == 0
        desk.commit(*(desk.done(block) for block in desk.claim(limit=2)))
        # Two may be planned: they alone say so, for the others wait as before.
        assert changed() <= 3
        said = Counter(row.reason for row in desk.sql("select reason from jobs where state = 'queued'"))
        assert said["waiting to be planned"] == 2
        assert set(said) == {"waiting to be planned", f"sweep {sweep} runs 3 of at most 3 jobs"}
        plan_jobs(desk.engine)
        assert changed() <= 3
    desk.sql("update sweeps set max_running_jobs = null")
    assert changed() > 30


def test_what_nothing_runs_for_is_not_said_to_run(desk, reason):
    desk.beat()
    sweep = desk.sweep(DIAGNOSTICS, max_running_blocks=2).sweep_id
    plan_jobs(desk.engine)
    held = desk.claim()
    job = desk.sql("select max(id) as id from jobs")[0].id
    assert reason(job) == f"sweep {sweep} runs 2 of at most 2 blocks"
    desk.commit(*(desk.broken(block, "user") for block in held))
    desk.beat(cpu=0)
    assert reason(job) == "no worker"


def test_ten_thousand_queued_jobs_cost_little(desk):
    desk.beat()
    fill_sweep(desk.engine, jobs=10_000, limit=4, running=4)
    desk.sql("""
        set local session_replication_role = replica;
        delete from blocks where state = 'ready'; update jobs set state = 'queued' where id > 4;
        update sweeps set max_running_jobs = 4
    """)
    seconds = []
    for expected in (9_996, 0, 0, 0):
        with desk.engine.begin() as connection:
            started = time.perf_counter()
            assert explain(connection) == expected
            seconds.append(time.perf_counter() - started)
    # Some 20 ms on an idle machine, every two seconds.
    assert min(seconds[1:]) < 0.2


def test_backoff(desk, reason):
    desk.beat()
    job_id = desk.start(Diagnostic())
    [block] = desk.claim()
    desk.commit(desk.broken(block, "internal", "no luck"))
    desk.sql("update blocks set ready_at = now() + interval '14.2 seconds'")
    assert reason(job_id) == "retry 2 of 3 in 14 s: no luck"
    assert desk.blocks(job_id)[0].reason == "retry 2 of 3 in 14 s: no luck"
    desk.due()
    [block] = desk.claim()
    desk.commit(desk.broken(block, "unavailable", "the bucket does not answer"))
    desk.sql("update blocks set ready_at = now() + interval '3.2 seconds'")
    assert reason(job_id) == "unavailable in 3 s: the bucket does not answer"


def test_an_absence_is_told_although_untried_blocks_are_ready(desk, reason):
    desk.beat()
    job_id = desk.start(Diagnostic(blocks=9))
    desk.commit(*(desk.broken(block, "unavailable", "the bucket is away") for block in desk.claim(2)))
    assert "the bucket is away" in reason(job_id)
    assert reason(job_id).startswith("unavailable")
    desk.beat(cpu=0)
    assert reason(job_id) == "no worker"


def test_cancelling(desk, reason):
    desk.beat()
    job_id = desk.start(Diagnostic(blocks=3))
    desk.claim(2)
    with desk.engine.begin() as connection:
        cancel(connection, job_id)
    assert reason(job_id) == "2 blocks still running"


def test_finished_jobs_are_left_alone(desk, reason):
    desk.beat()
    job_id = desk.start(Diagnostic())
    [block] = desk.claim()
    desk.commit(desk.broken(block, "user", "wrong"))
    assert reason(job_id) == "wrong"
