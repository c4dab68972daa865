"""Blocks from the queue to the workers and back, on real Postgres, Ray and S3."""

import json
import os
import time

import psutil
from sqlalchemy import text

from schemas.diagnostic import Diagnostic
from service.queue.cancel import cancel
from service.queue.upkeep import plan_jobs


def _log(dispatchers) -> list[dict]:
    lines = dispatchers.log.read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def _workers(dispatchers) -> list[psutil.Process]:
    return [psutil.Process(line["pid"]) for line in _log(dispatchers) if line["event"] == "a worker is up"]


def test_a_diagnostic_job_runs_to_its_end(queue, dispatchers):
    dispatchers.start()
    job = queue.submit(Diagnostic(blocks=300, record_bytes=500, store_bytes=1_000))
    queue.done(job)
    blocks = queue.blocks(job)
    assert [block.record["data"]["index"] for block in blocks] == list(range(300))
    assert all(block.runs == 1 and block.attempts == 0 for block in blocks)
    assert queue.all("select count(*) from objects where job_id = :job", job=job)[0][0] == 300
    provenance = blocks[0].record["provenance"]
    assert {"code", "python", "torch", "numpy", "holonomy", "device", "threads", "tf32", "host"} <= provenance.keys()


def test_workers_hold_no_database_credentials(queue, dispatchers, postgres_url):
    dispatchers.start()
    queue.done(queue.submit(Diagnostic()))
    workers = _workers(dispatchers)
    assert workers
    secret = postgres_url.split(":")[2].split("@")[0]
    for worker in workers:
        environment = worker.environ()
        assert "HOLONOMY_DATABASE_URL" not in environment
        assert not any(secret in value for value in environment.values())


def test_sigterm_finishes_what_runs_and_gives_the_rest_back(queue, dispatchers):
    process = dispatchers.start(HOLONOMY_GRACE_SECONDS="20")
    queue.done(queue.submit(Diagnostic(blocks=4)))  # the workers have imported what they need
    job = queue.submit(Diagnostic(blocks=6, seconds=1.5))
    queue.wait(lambda: queue.running(job))
    time.sleep(0.5)  # from the claim to the worker
    process.terminate()
    assert process.wait(30) == 0
    states = [block.state for block in queue.blocks(job)]
    assert set(states) == {"done", "ready"}
    assert all(block.attempts == 0 and block.lost == 0 for block in queue.blocks(job))
    dispatchers.start()
    queue.done(job)


def test_sigterm_gives_back_what_does_not_end_within_the_grace(queue, dispatchers):
    process = dispatchers.start(HOLONOMY_GRACE_SECONDS="1")
    job = queue.submit(Diagnostic(blocks=2, seconds=60))
    queue.wait(lambda: queue.running(job))
    process.terminate()
    started = time.monotonic()
    assert process.wait(30) == 0
    assert time.monotonic() - started < 10
    assert [(block.state, block.lost) for block in queue.blocks(job)] == [("ready", 0)] * 2


def test_a_cancelled_block_stops(queue, dispatchers):
    dispatchers.start()
    job = queue.submit(Diagnostic(blocks=20, seconds=60))
    queue.wait(lambda: queue.running(job))
    with queue.engine.begin() as connection:
        cancel(connection, job)
    assert queue.finished(job, 15) == "cancelled"
    assert {block.state for block in queue.blocks(job)} == {"cancelled"}
    queue.done(queue.submit(Diagnostic(blocks=4)))


def test_a_block_that_does_not_stop_is_killed_with_its_worker(queue, dispatchers):
    dispatchers.start(HOLONOMY_SLOTS="1")
    job = queue.submit(Diagnostic(seconds=600))
    queue.wait(lambda: queue.running(job))
    queue.wait(lambda: _workers(dispatchers))
    [worker] = _workers(dispatchers)
    worker.suspend()  # it hears nothing more
    with queue.engine.begin() as connection:
        cancel(connection, job)
    assert queue.finished(job, 20) == "cancelled"
    queue.wait(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, 20)
    queue.done(queue.submit(Diagnostic(blocks=4)))


def test_a_dispatcher_that_holds_nothing_ends_at_once(queue, dispatchers):
    process = dispatchers.start(HOLONOMY_GRACE_SECONDS="20")
    job = queue.submit(Diagnostic(blocks=2, seconds=600))
    queue.wait(lambda: queue.running(job))
    with queue.engine.begin() as connection:
        cancel(connection, job)
    assert queue.finished(job, 15) == "cancelled"
    process.terminate()
    assert process.wait(4) == 0


def test_a_dispatcher_whose_thread_ends_does_not_live_on_without_it(queue, dispatchers):
    process = dispatchers.start()
    queue.wait(lambda: _workers(dispatchers))
    with queue.engine.begin() as connection:
        connection.execute(text("alter table blocks rename to not_there"))
    assert process.wait(20) == 75
    [failure] = [line for line in _log(dispatchers) if "the loop failed" in line["event"]]
    assert "threads of the dispatcher ended" in json.dumps(failure)


def test_a_block_that_takes_too_long_is_ended_and_fails_in_the_end(queue, dispatchers):
    job = queue.submit(Diagnostic(seconds=600))
    plan_jobs(queue.engine)
    with queue.engine.begin() as connection:
        limits = text("update blocks set timeout_seconds = 1, max_attempts = 2 where job_id = :job")
        connection.execute(limits, {"job": job})
    dispatchers.start()
    assert queue.finished(job, 60) == "failed"
    [block] = queue.blocks(job)
    assert block.attempts == 2
    assert block.error["kind"] == "timeout"
    assert "took longer than 1 s" in block.error["message"]


def test_an_unreachable_ray_head_ends_the_dispatcher_with_a_clear_line(queue, dispatchers):
    from service.embedded.ports import free_port

    process = dispatchers.start(HOLONOMY_RAY_ADDRESS=f"127.0.0.1:{free_port()}")
    assert process.wait(40) == 75
    assert "no Ray head answers" in _log(dispatchers)[-1]["event"]


def test_a_dispatcher_without_settings_says_what_to_set(dispatchers):
    process = dispatchers.start(HOLONOMY_DATABASE_URL="")
    assert process.wait(20) == 2
    assert "set HOLONOMY_DATABASE_URL" in _log(dispatchers)[-1]["event"]
    assert os.environ.get("HOLONOMY_DATABASE_URL") is None


def test_two_dispatchers_share_a_queue(queue, dispatchers):
    dispatchers.start(HOLONOMY_SLOTS="1")
    dispatchers.start(HOLONOMY_SLOTS="1")
    queue.wait(lambda: len(_workers(dispatchers)) == 2)
    job = queue.submit(Diagnostic(blocks=40, seconds=0.2))
    queue.done(job)
    blocks = queue.blocks(job)
    assert len({block.leased_by for block in blocks}) == 2
    assert all(block.runs == 1 for block in blocks)
