"""What must survive: processes killed in the middle of a real bracket job, and a store that goes away.

Each time every block is committed exactly once, and the numbers are bitwise those of an undisturbed run.
"""

import os
import signal
import time
from typing import Any

import psutil
import pytest

from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.models import ConvNet
from schemas.training import Training
from service.dispatcher.watch import EXIT_AGAIN
from tests.support.dispatching import Dispatchers, Queue, database

STEPS = (0, 4, 8, 12, 16, 20)
EXAMPLES = 12
JOB = Brackets(
    training=Training(model=ConvNet(), steps=STEPS[-1], checkpoints=STEPS),
    examples=First(count=EXAMPLES),
    test_examples=First(count=8),
)


def _numbers(queue: Queue, job: int) -> dict[str, list[tuple[object, ...]]]:
    """Every result row of the job, without its number."""
    keys = {"pairs": "step, i, j", "tensors": "step, tensor", "fits": "step", "outputs": "step, output"}
    found = {}
    for table, key in keys.items():
        query = f"select * from {table} where job_id = :job order by {key}"  # noqa: S608 - constants
        found[table] = [tuple(row)[1:] for row in queue.all(query, job=job)]
    return found


def _same_numbers(queue: Queue, job: int, undisturbed: dict[str, list[tuple[object, ...]]]) -> None:
    for table, rows in _numbers(queue, job).items():
        different = [(ours, theirs) for ours, theirs in zip(rows, undisturbed[table], strict=True) if ours != theirs]
        assert different[:1] == [], f"{len(different)} of {len(rows)} rows of {table} differ"


@pytest.fixture(scope="module")
def undisturbed(postgres_server, ray_cluster, ray_bucket, tmp_path_factory) -> dict:
    """The numbers of a run that nothing befell, in a database of its own."""
    environment = {**ray_bucket.environment, **ray_cluster.client_environment}
    with (
        database(postgres_server) as url,
        Queue.at(url) as queue,
        Dispatchers.of(url, environment, tmp_path_factory.mktemp("undisturbed")) as dispatchers,
    ):
        dispatchers.start()
        job = _submit(queue)
        queue.done(job, 240)
        return _numbers(queue, job)


def _submit(queue: Queue) -> int:
    """Once both workers are known: the planner cuts tiles by their number, and the cut decides the last bits."""
    known = (
        "select coalesce(sum((slots ->> 'cpu')::int), 0) from dispatchers where heartbeat_at > now() - interval '5 s'"
    )
    queue.wait(lambda: queue.all(known)[0][0] == 2)
    return queue.submit(JOB)


def _in_the_middle(queue: Queue, job: int) -> None:
    """Wait until some blocks of the job are done and some run."""
    queue.wait(lambda: queue.job(job).blocks_done >= 1 and queue.running(job))


def _workers(ray_cluster) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(ray_cluster.pid).children(recursive=True):
        try:
            if "BlockActor" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _committed_once(queue: Queue, job: int) -> None:
    """As the rows and the log tell it."""
    blocks = queue.blocks(job)
    assert {block.state for block in blocks} == {"done"}
    counted = [block.id for block in blocks if block.attempts]
    troubles = queue.all("select message, data from events where block_id = any(:blocks)", blocks=counted)
    assert troubles == [], "a disturbance counted as an attempt"
    [ends] = queue.all("select count(*) from events where job_id = :job and message = 'job done'", job=job)
    assert ends[0] == 1
    assert queue.job(job).blocks_done == len(blocks)
    [pairs] = queue.all("select count(*) from pairs where job_id = :job", job=job)
    assert pairs[0] == len(STEPS) * EXAMPLES * (EXAMPLES - 1) // 2


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_a_worker_is_killed(queue, dispatchers, ray_cluster, undisturbed):
    dispatchers.start()
    job = _submit(queue)
    _in_the_middle(queue, job)
    for worker in _workers(ray_cluster):
        _kill(worker.pid)
    queue.done(job)
    _committed_once(queue, job)
    assert any(block.runs > 1 for block in queue.blocks(job))
    _same_numbers(queue, job, undisturbed)


def test_the_dispatcher_is_killed(queue, dispatchers, undisturbed):
    first = dispatchers.start()
    job = _submit(queue)
    _in_the_middle(queue, job)
    _kill(first.pid)
    first.wait()
    dispatchers.start()
    queue.done(job)
    _committed_once(queue, job)
    assert any(block.runs > 1 for block in queue.blocks(job))
    _same_numbers(queue, job, undisturbed)


def test_postgres_is_killed(queue, dispatchers, postgres_server, undisturbed):
    process = dispatchers.start()
    job = _submit(queue)
    _in_the_middle(queue, job)
    _kill(postgres_server.pid)
    postgres_server.process.wait()
    time.sleep(2)
    postgres_server.start()
    queue.done(job)
    assert process.poll() is None, "the dispatcher must outlast the database"
    _committed_once(queue, job)
    _same_numbers(queue, job, undisturbed)


def test_the_object_store_goes_away_and_comes_back(queue, dispatchers, s3_server, undisturbed):
    dispatchers.start()
    job = _submit(queue)
    _in_the_middle(queue, job)
    s3_server.stop()
    try:
        [waiting, *_] = queue.wait(lambda: [block for block in queue.blocks(job) if block.waits])
        assert waiting.error["kind"] == "unavailable"
        assert "the object store" in waiting.error["message"]
        assert queue.job(job).state == "running"
        queue.wait(lambda: "the object store" in (queue.job(job).reason or ""))
    finally:
        s3_server.start()
    queue.done(job)
    _committed_once(queue, job)
    _same_numbers(queue, job, undisturbed)


def test_ray_is_killed(queue, dispatchers, ray_cluster, undisturbed):
    process = dispatchers.start()
    job = _submit(queue)
    _in_the_middle(queue, job)
    for member in (*psutil.Process(ray_cluster.pid).children(recursive=True), psutil.Process(ray_cluster.pid)):
        _kill(member.pid)
    ray_cluster.process.wait()
    # What follows is its supervisor's part.
    assert process.wait(30) == EXIT_AGAIN
    assert queue.job(job).state == "running"
    ray_cluster.start()
    dispatchers.start()
    queue.done(job)
    _committed_once(queue, job)
    assert any(block.runs > 1 for block in queue.blocks(job))
    _same_numbers(queue, job, undisturbed)


def test_a_stale_lease_holder_cannot_commit(queue, dispatchers, undisturbed):
    stale = psutil.Process(dispatchers.start(HOLONOMY_SLOTS="1").pid)
    dispatchers.start(HOLONOMY_SLOTS="1")
    job = _submit(queue)
    query = "select id, runs from blocks where job_id = :job and state = 'running' and leased_by like :holder"

    def held() -> list[Any]:
        return queue.all(query, job=job, holder=f"%:{stale.pid}:%")

    queue.wait(lambda: queue.job(job).blocks_done >= 1 and held())
    # Stopped, it cannot renew; its worker goes on, and its outcome waits for it.
    stale.suspend()
    try:
        taken = {block.id: block.runs for block in held()}
        assert taken
        queue.wait(
            lambda: all(
                block.runs > taken[block.id] and block.state == "done"
                for block in queue.blocks(job)
                if block.id in taken
            )
        )
    finally:
        stale.resume()
    queue.done(job)
    queue.wait(lambda: "outcomes refused" in (log := dispatchers.log.read_text()) or "leases lost" in log, 20)
    _committed_once(queue, job)
    assert all(block.runs == taken[block.id] + 1 for block in queue.blocks(job) if block.id in taken)
    _same_numbers(queue, job, undisturbed)


def test_two_dispatchers_and_one_is_killed(queue, dispatchers, undisturbed):
    first = dispatchers.start(HOLONOMY_SLOTS="1")
    dispatchers.start(HOLONOMY_SLOTS="1")
    queue.done(queue.submit(Diagnostic(blocks=4)))
    job = _submit(queue)
    _in_the_middle(queue, job)
    _kill(first.pid)
    first.wait()
    queue.done(job)
    _committed_once(queue, job)
    _same_numbers(queue, job, undisturbed)
