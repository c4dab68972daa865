"""Why a job does not run is in its reason."""

import pytest

from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.training import Training
from service.queue.cancel import cancel
from service.queue.upkeep import explain, plan_jobs


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
