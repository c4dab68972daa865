"""`python -m bench.blocks`: how fast blocks go through the whole durable path, and what Ray and others do meanwhile.

    claim → Ray actor → one result record of 2 KB → fenced commit, with `synchronous_commit` on

One block per call is compared with bare Ray actor calls of the same signature in the same run, the two taken in turn.
Small blocks go several to a call. procrastinate runs no-op jobs on the same Postgres. A bracket job of blocks of
about a second says how much of the wall time the kernels get.
"""

import asyncio
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import procrastinate
import ray
from sqlalchemy import Engine, text

from bench.report import Figure, run
from bench.servers import BUCKET, Servers, servers
from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.jobs import Submission
from schemas.models import ConvNet
from schemas.training import Training
from service.db.engine import connect
from service.db.migrate import upgrade
from service.dispatcher.dispatcher import Dispatcher
from service.dispatcher.options import Options
from service.queue.submit import submit
from workers.runtime.execution import WorkerSettings
from workers.runtime.messages import Success, Task
from workers.runtime.objects import ObjectStore, StoreSettings

RECORD_BYTES = 2_000
SLOTS = 2
CALLS_IN_FLIGHT = 32


@ray.remote(num_cpus=0, max_restarts=0, max_task_retries=0)
class BareActor:
    """Answers calls of the signature of the real one with a record ready-made."""

    def run(self, specs: Mapping[str, str], tasks: Sequence[Task]) -> list[Success]:
        return [Success(task.block_id, "x" * RECORD_BYTES, {}, 0.0) for task in tasks]


def measure(quick: bool) -> tuple[list[Figure], dict[str, str]]:
    """All figures; `quick` takes fewer blocks and rounds."""
    rounds, single, packed, jobs = (3, 3_000, 20_000, 1_000) if quick else (5, 12_000, 100_000, 5_000)
    with servers(SLOTS) as stack:
        ObjectStore(StoreSettings(BUCKET)).create_bucket()
        upgrade(stack.postgres.url)
        engine = connect(stack.postgres.url, application="bench")
        version = _checked(engine)
        ray.init(address=stack.ray.address, namespace="bench", log_to_driver=False, logging_level="ERROR")
        try:
            bare, durable = _beside_ray(engine, stack, rounds, single)
            many = _packed(engine, stack, rounds, packed)
            theirs = _procrastinate(stack.postgres.url, jobs)
            share, block_seconds = _kernel_share(engine, stack, quick)
        finally:
            ray.shutdown()
            engine.dispose()
    ratio = statistics.median(ours / theirs_ for ours, theirs_ in zip(durable, bare, strict=True))
    one = statistics.median(durable)
    figures = [
        Figure("bare Ray actor calls", statistics.median(bare), "calls/s"),
        Figure("durable, one block per call", one, "blocks/s"),
        Figure("durable over bare Ray, one block per call", ratio, "ratio", target=0.7, aim=0.95),
        Figure("durable, small blocks packed", many, "blocks/s", target=6_000, aim=12_000),
        Figure("procrastinate, no-op jobs", theirs, "jobs/s"),
        Figure("durable, one block per call, over procrastinate", one / theirs, "ratio", target=3.0),
        Figure("bracket job: length of a tile", block_seconds, "s"),
        Figure("bracket job: share of the slots' time in kernels", share, "share", target=0.9),
    ]
    return figures, {"postgres": version}


def _beside_ray(engine: Engine, stack: Servers, rounds: int, blocks: int) -> tuple[list[float], list[float]]:
    """Rates of bare calls and of the durable path, one block per call, in turn."""
    actors = [BareActor.remote() for _ in range(SLOTS)]  # type: ignore[attr-defined]
    bare, durable = [], []
    with _dispatcher(engine, stack, Options(slots=SLOTS, max_pack=1)):
        _noop(engine, 200)
        _bare(actors, 500)
        for _ in range(rounds):
            bare.append(_bare(actors, blocks))
            durable.append(_noop(engine, blocks))
    for actor in actors:
        ray.kill(actor)
    return bare, durable


def _packed(engine: Engine, stack: Servers, rounds: int, blocks: int) -> float:
    """Median rate with as many blocks to a call as the dispatcher chooses."""
    with _dispatcher(engine, stack, Options(slots=SLOTS)):
        _noop(engine, 500)
        return statistics.median(_noop(engine, blocks) for _ in range(rounds))


def _bare(actors: list[Any], calls: int) -> float:
    """Calls a second, with as many in flight as the dispatcher has."""
    spec = Diagnostic(blocks=calls, record_bytes=RECORD_BYTES).model_dump_json()
    digest, payload = "0" * 64, '{"kind": "diagnostic_block", "index": 12345}'
    sent = done = 0
    waiting: dict[Any, int] = {}
    room = [CALLS_IN_FLIGHT] * len(actors)
    started = time.perf_counter()
    while done < calls:
        for index, actor in enumerate(actors):
            while room[index] and sent < calls:
                task = Task(sent, 1, 1, digest, payload, "[]", 0)
                waiting[actor.run.remote({digest: spec}, [task])] = index
                room[index] -= 1
                sent += 1
        ready, rest = ray.wait(list(waiting), num_returns=1, timeout=1)
        if rest:
            ready += ray.wait(rest, num_returns=len(rest), timeout=0)[0]
        ray.get(ready)
        for ref in ready:
            room[waiting.pop(ref)] += 1
        done += len(ready)
    return calls / (time.perf_counter() - started)


def _noop(engine: Engine, blocks: int) -> float:
    """Blocks a second of a diagnostic job, from its first claim to its last commit by the database's clock."""
    job = _submit(engine, Diagnostic(blocks=blocks, record_bytes=RECORD_BYTES))
    return blocks / _finished(engine, job)


def _kernel_share(engine: Engine, stack: Servers, quick: bool) -> tuple[float, float]:
    """Share of the slots' time that a bracket job spends in kernels, and the mean length of its tiles."""
    spec = Brackets(
        training=Training(model=ConvNet(), steps=4, checkpoints=(0, 2, 4)),
        examples=First(kind="first", count=16 if quick else 40),
    )
    with _dispatcher(engine, stack, Options(slots=SLOTS)):
        _finished(engine, _submit(engine, spec))  # measures what a pair costs
        job = _submit(engine, spec)
        wall = _finished(engine, job)
    with engine.connect() as connection:
        kernels, tile = connection.execute(
            text(
                "select sum((record ->> 'kernel_seconds')::float8), "
                "avg(seconds) filter (where kind = 'bracket_tile') from blocks where job_id = :job"
            ),
            {"job": job},
        ).one()
    return kernels / (SLOTS * wall), tile


def _submit(engine: Engine, spec: Diagnostic | Brackets) -> int:
    with engine.begin() as connection:
        submission = Submission(spec=spec, fresh=True)
        job, _ = submit(connection, submission, submitted_by="bench", version="bench")
    return int(job)


def _finished(engine: Engine, job: int) -> float:
    """Wait for a job; seconds between its first claim and its end.

    Raises:
        RuntimeError: it ended in another state than done.
    """
    query = text("select state, reason, extract(epoch from finished_at - started_at) from jobs where id = :job")
    while True:
        with engine.connect() as connection:
            state, reason, seconds = connection.execute(query, {"job": job}).one()
        if state == "done":
            return float(seconds)
        if state in ("failed", "cancelled"):
            raise RuntimeError(f"job {job} is {state}: {reason}")
        time.sleep(0.1)


@contextmanager
def _dispatcher(engine: Engine, stack: Servers, options: Options) -> Iterator[None]:
    """A dispatcher on a thread of this process, which is Ray's driver."""
    own = connect(stack.postgres.url, application="holonomy dispatcher")
    dispatcher = Dispatcher(own, WorkerSettings(StoreSettings(BUCKET)), stack.ray.address, replace(options))
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        yield
    finally:
        dispatcher.stop()
        thread.join()
        own.dispose()


def _procrastinate(url: str, jobs: int) -> float:
    """No-op jobs a second of procrastinate's worker, concurrency 20, in a database of its own on the same server."""
    base, _, name = url.rpartition("/")
    engine = connect(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("drop database if exists bench_procrastinate with (force)"))
        connection.execute(text("create database bench_procrastinate"))
    engine.dispose()
    return asyncio.run(_run_procrastinate(f"{base}/bench_procrastinate", jobs))


async def _run_procrastinate(url: str, jobs: int) -> float:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))

    @app.task(name="noop")
    def noop(payload: str) -> None:
        return None

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await noop.batch_defer_async(*({"payload": "x" * RECORD_BYTES} for _ in range(jobs)))
        started = time.perf_counter()
        await app.run_worker_async(wait=False, concurrency=20, install_signal_handlers=False)
        return jobs / (time.perf_counter() - started)


def _checked(engine: Engine) -> str:
    """The server's version, once it is sure that commits are synchronous."""
    with engine.connect() as connection:
        if connection.execute(text("show synchronous_commit")).scalar_one() != "on":
            raise RuntimeError("synchronous_commit must be on for these figures to mean anything")
        return str(connection.execute(text("show server_version")).scalar_one())


if __name__ == "__main__":
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    sys.exit(run("blocks", measure))
