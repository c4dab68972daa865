"""A dispatcher in this process, and the rates of what goes through it."""

import logging
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self
from uuid import UUID

import ray
from sqlalchemy import Engine, text

from bench.servers import BUCKET
from schemas.brackets import Brackets
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.jobs import Submission
from schemas.models import ConvNet
from schemas.training import Training
from service.db.engine import connect
from service.dispatcher.dispatcher import Dispatcher
from service.dispatcher.options import Options
from service.queue.submit import submit
from workers.runtime.execution import WorkerSettings
from workers.runtime.messages import Order, Success, Task, decode_outcomes, encode_outcomes
from workers.runtime.store import StoreSettings

CALLS_IN_FLIGHT = 32
TOKEN = str(UUID(int=0))
DEFAULT_PACK = Options.max_pack
_JOB = text("select state, reason, extract(epoch from finished_at - started_at) from jobs where id = :job")
_KERNELS = text("""
    select sum((record ->> 'kernel_seconds')::float8), avg(seconds) filter (where kind = 'bracket_tile')
    from blocks where job_id = :job
""")


@ray.remote(num_cpus=0, max_restarts=0, max_task_retries=0)
class BareActor:
    """Answers calls of the signature of the real one with a record ready-made."""

    def __init__(self, record_bytes: int) -> None:
        self._answer = encode_outcomes([Success(1, "x" * record_bytes, {}, 0.0)])

    def run(self, order: bytes) -> bytes:
        """The outcome of one task."""
        return self._answer


class Rates(NamedTuple):
    """What `measure` found; rates are a second."""

    bare: float
    one_per_call: float
    ratio: float
    packed: float
    kernel_share: float
    tile_seconds: float


def measure(url: str, address: str, slots: int, record_bytes: int, sizes: tuple[int, int, int, int]) -> Rates:
    """All rates. Call it in a process of its own: Ray kills its driver when the head goes, even after a shutdown.

    Args:
        url: Postgres, at the newest schema.
        address: the Ray head.
        slots: workers.
        record_bytes: size of each block's record.
        sizes: rounds, blocks of a round one to a call, blocks of a round packed, examples of the bracket job.
    """
    rounds, single, packed, examples = sizes
    engine = connect(url, application="bench")
    with DurablePath(engine, url, address, slots=slots, record_bytes=record_bytes) as path:
        rates = Rates(*path.beside_ray(rounds, single), path.packed(rounds, packed), *path.kernel_share(examples))
    engine.dispose()
    return rates


class DurablePath:
    """Rates through the durable path. As a context manager it is Ray's driver."""

    def __init__(self, engine: Engine, url: str, address: str, *, slots: int, record_bytes: int) -> None:
        self._engine = engine
        self._url = url
        self._address = address
        self._slots = slots
        self._record_bytes = record_bytes

    def __enter__(self) -> Self:
        ray.init(address=self._address, namespace="bench", log_to_driver=False, logging_level=logging.ERROR)
        return self

    def __exit__(self, *error: object) -> None:
        ray.shutdown()

    def beside_ray(self, rounds: int, blocks: int) -> tuple[float, float, float]:
        """Median rates of bare calls and of the durable path, one block per call, in turn; median of their ratio."""
        actors = [BareActor.remote(self._record_bytes) for _ in range(self._slots)]  # type: ignore[attr-defined]
        bare, durable = [], []
        with self._dispatcher(max_pack=1):
            self._noop(200)
            self._bare(actors, 500)
            for _ in range(rounds):
                bare.append(self._bare(actors, blocks))
                durable.append(self._noop(blocks))
        for actor in actors:
            ray.kill(actor)
        ratio = statistics.median(ours / theirs for ours, theirs in zip(durable, bare, strict=True))
        return statistics.median(bare), statistics.median(durable), ratio

    def packed(self, rounds: int, blocks: int) -> float:
        """Median rate with as many blocks to a call as the dispatcher chooses."""
        with self._dispatcher():
            self._noop(500)
            return statistics.median(self._noop(blocks) for _ in range(rounds))

    def kernel_share(self, examples: int) -> tuple[float, float]:
        """Share of the slots' time that a bracket job spends in kernels, and the mean length of its tiles."""
        spec = Brackets(
            training=Training(model=ConvNet(), steps=4, checkpoints=(0, 2, 4)),
            examples=First(kind="first", count=examples),
        )
        with self._dispatcher():
            self._finished(self._submit(spec))  # measures what a pair costs, which sizes the tiles of the next
            job = self._submit(spec)
            wall = self._finished(job)
        with self._engine.connect() as connection:
            kernels, tile = connection.execute(_KERNELS, {"job": job}).one()
        return kernels / (self._slots * wall), tile

    def _bare(self, actors: list[Any], calls: int) -> float:
        """Calls a second, with as many in flight as the dispatcher has."""
        spec = Diagnostic(blocks=calls, record_bytes=self._record_bytes).model_dump_json()
        digest, payload = "0" * 64, '{"kind": "diagnostic_block", "index": 12345}'
        sent = done = 0
        waiting: dict[Any, int] = {}
        room = [CALLS_IN_FLIGHT] * len(actors)
        started = time.perf_counter()
        while done < calls:
            for index, actor in enumerate(actors):
                while room[index] and sent < calls:
                    order = Order({digest: spec}, [Task(sent, 1, 1, TOKEN, digest, payload, "[]", 0)]).encode()
                    waiting[actor.run.remote(order)] = index
                    room[index] -= 1
                    sent += 1
            ready, rest = ray.wait(list(waiting), num_returns=1, timeout=1)
            if rest:
                ready += ray.wait(rest, num_returns=len(rest), timeout=0)[0]
            for answer in ray.get(ready):
                decode_outcomes(answer)
            for ref in ready:
                room[waiting.pop(ref)] += 1
            done += len(ready)
        return calls / (time.perf_counter() - started)

    def _noop(self, blocks: int) -> float:
        """Blocks a second of a diagnostic job, from its first claim to its last commit by the database's clock."""
        return blocks / self._finished(self._submit(Diagnostic(blocks=blocks, record_bytes=self._record_bytes)))

    def _submit(self, spec: Diagnostic | Brackets) -> int:
        submission = Submission(spec=spec, fresh=True)
        with self._engine.begin() as connection:
            job, _ = submit(connection, submission, submitted_by="bench", version="bench")
        return int(job)

    def _finished(self, job: int) -> float:
        """Wait for a job; seconds between its first claim and its end.

        Raises:
            RuntimeError: it ended in another state than done.
        """
        while True:
            with self._engine.connect() as connection:
                state, reason, seconds = connection.execute(_JOB, {"job": job}).one()
            if state == "done":
                return float(seconds)
            if state in ("failed", "cancelled"):
                raise RuntimeError(f"job {job} is {state}: {reason}")
            time.sleep(0.1)

    @contextmanager
    def _dispatcher(self, max_pack: int = DEFAULT_PACK) -> Iterator[None]:
        """A dispatcher on a thread of this process."""
        engine = connect(self._url, application="holonomy dispatcher")
        workers = WorkerSettings(StoreSettings(BUCKET))
        dispatcher = Dispatcher(engine, workers, self._address, Options(slots=self._slots, max_pack=max_pack))
        thread = threading.Thread(target=dispatcher.run)
        thread.start()
        try:
            yield
        finally:
            dispatcher.stop()
            thread.join()
            engine.dispose()
