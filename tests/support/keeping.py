"""A queue whose blocks write real objects: bytes that follow from the job's spec and the object's name alone."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from schemas.blocks import (
    BlockError,
    BlockRecord,
    BracketSummary,
    BracketTile,
    DiagnosticBlock,
    ObjectRef,
    TrainingSegment,
    payload,
)
from schemas.bracket_results import PAIRS
from schemas.brackets import Brackets
from schemas.data import Digits, First
from schemas.jobs import AnyJob
from schemas.models import Mlp
from schemas.training import Training
from service.queue.claim import Claimed, claim
from service.queue.commit import Broken, Done, commit
from service.queue.upkeep import plan_jobs
from tests.support.dispatching import Queue
from workers.runtime.context import Attempt
from workers.runtime.store import ObjectStore

_OF_TYPE: dict[str, Any] = {"int": 0, "float": 1.0, "text": "", "bool": False}


def training(seed: int = 0, checkpoints: tuple[int, ...] = (0, 2, 4)) -> Training:
    """A run of a few steps."""
    return Training(data=Digits(), model=Mlp(hidden=(3,)), steps=4, checkpoints=checkpoints, seed=seed)


def brackets(seed: int = 0, steps: tuple[int, ...] = (2, 4), **fields: Any) -> Brackets:
    """Pairs of a few examples at checkpoints of that run."""
    return Brackets(training=training(seed), examples=First(count=4), steps=steps, **fields)


@dataclass
class Keeper:
    """What clients and dispatchers do, step by step."""

    queue: Queue
    store: ObjectStore

    def start(self, spec: AnyJob, **fields: Any) -> int:
        """The number of a job, found or made."""
        job = self.queue.submit(spec, fresh=False, **fields)
        self.plan()
        return job

    def plan(self) -> None:
        """What a dispatcher does between claims."""
        # A child finds its parent without what it needs, that is put back to work, and at once.
        for _ in range(3):
            plan_jobs(self.queue.engine)

    def claim(self, limit: int = 100) -> list[Claimed]:
        """Take blocks."""
        with self.queue.engine.begin() as connection:
            return claim(connection, holder="one", device="cpu", limit=limit, lease_seconds=600.0)

    def written(self, block: Claimed, salt: str = "") -> tuple[ObjectRef, ...]:
        """Put a block's objects into the bucket."""
        attempt = Attempt(block.digest, block.job_id, block.block_id, block.run, str(block.token))
        references = []
        for name in names_of(block):
            data = f"{block.digest} {name} {salt}".encode() * 10
            self.store.put(attempt.key(name), data)
            digest = hashlib.sha256(data).hexdigest()
            references.append(ObjectRef(name=name, key=attempt.key(name), sha256=digest, size_bytes=len(data)))
        return tuple(references)

    def commit(self, block: Claimed, objects: tuple[ObjectRef, ...]) -> bool:
        """Commit a block that wrote them."""
        record = BlockRecord(objects=objects).model_dump_json()
        with self.queue.engine.begin() as connection:
            return commit(connection, [Done(block.block_id, block.job_id, block.token, record, rows_of(block))])[0]

    def fail(self, block: Claimed, kind: Any = "user") -> None:
        """A block fails."""
        error = BlockError(kind=kind, message="it broke")
        with self.queue.engine.begin() as connection:
            commit(connection, [Broken(block.block_id, block.job_id, block.token, error)])

    def work(self, salt: str = "") -> list[int]:
        """Plan, claim and commit until nothing is left to do; the jobs whose blocks ran, in order."""
        ran = []
        self.plan()
        while blocks := self.claim():
            for block in blocks:
                self.commit(block, self.written(block, salt))
                ran.append(block.job_id)
            self.plan()
        return ran

    def done(self, spec: AnyJob, **fields: Any) -> int:
        """A job that is done."""
        job = self.start(spec, **fields)
        self.work()
        assert self.queue.job(job).state == "done"
        return job

    def age(self, days: float, job: int | None = None) -> None:
        """Jobs that ended did so earlier."""
        self.sql(
            "update jobs set finished_at = finished_at - make_interval(secs => :seconds) "
            "where coalesce(id = :job, true)",
            seconds=days * 86_400,
            job=job,
        )

    def sql(self, statement: str, **values: Any) -> list[Any]:
        """Execute a statement."""
        with self.queue.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return list(result) if result.returns_rows else []

    def stored(self) -> set[str]:
        """What the bucket holds."""
        return {found.key for found in self.store.list("")}

    def named(self, job: int | None = None) -> dict[str, str]:
        """Keys that live rows name, by `job/name`."""
        rows = self.sql(
            "select job_id, name, key from objects where dropped_at is null and coalesce(job_id = :job, true)",
            job=job,
        )
        return {f"{row.job_id}/{row.name}": row.key for row in rows}

    def dropped(self, job: int) -> set[str]:
        """Names of a job's objects that retention dropped."""
        return {
            row.name
            for row in self.sql("select name from objects where job_id = :job and dropped_at is not null", job=job)
        }

    def overwrite(self, key: str, data: bytes) -> None:
        """What no store does by itself: other bytes under a key."""
        self.store.delete([key])
        self.store.put(key, data)

    def flip(self, key: str) -> None:
        """One bit of an object changes."""
        data = bytearray(self.store.get(key))
        data[len(data) // 2] ^= 1
        self.overwrite(key, bytes(data))


def names_of(block: Claimed) -> Iterator[str]:
    """Names of the objects that a block writes."""
    match payload.validate_json(block.payload_json):
        case TrainingSegment() as work:
            if work.start == 0:
                yield "schedule"
            yield from (f"checkpoints/{step:09d}" for step in work.save)
        case BracketTile() as work:
            place = f"{work.step:09d}/{work.rows[0]:06d}-{work.columns[0]:06d}"
            yield f"tiles/{place}"
            yield f"sums/{place}"
        case BracketSummary():
            pass
        case DiagnosticBlock() as work:
            yield f"diagnostic/{work.index}"
        case work:
            raise NotImplementedError(work.kind)


def rows_of(block: Claimed) -> dict[str, dict[str, list[Any]]]:
    """The pairs of a tile, with a number of each type in every other column."""
    work = payload.validate_json(block.payload_json)
    if not isinstance(work, BracketTile):
        return {}
    pairs = [(i, j) for i in range(*work.rows) for j in range(*work.columns) if i < j]
    columns = {column.name: [_OF_TYPE[column.type]] * len(pairs) for column in PAIRS.columns}
    return {
        "pairs": columns | {"step": [work.step] * len(pairs), "i": [i for i, _ in pairs], "j": [j for _, j in pairs]}
    }
