"""A queue on a migrated database, with a short way to say what a dispatcher would do."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from sqlalchemy import Engine, text

from schemas.api import Block, Job
from schemas.blocks import BlockError, BlockRecord, ErrorKind, ObjectRef
from schemas.jobs import AnyJob, Submission
from schemas.sweep_bodies import SweepSubmission
from schemas.sweeps import Sweep
from service.db.engine import connect
from service.db.migrate import upgrade
from service.queue import history, jobs, leases
from service.queue.claim import Claimed, claim
from service.queue.commit import Broken, Done, commit
from service.queue.submit import submit
from service.queue.sweeps.submit import Submitted as SubmittedSweep
from service.queue.sweeps.submit import submit_sweep
from service.queue.upkeep import plan_jobs


class Desk:
    """One call per step, each in its own transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def submit(self, spec: AnyJob, **fields: Any) -> int:
        return self.submitted(spec, **fields)[0]

    def submitted(self, spec: AnyJob, key: str | None = None, **fields: Any) -> tuple[int, bool]:
        submission = Submission(spec=spec, **fields)
        with self.engine.begin() as connection:
            return submit(connection, submission, submitted_by="tester", idempotency_key=key, version="0")

    def sweep(self, sweep: Sweep, key: str | None = None, *, always: bool = False, **fields: Any) -> SubmittedSweep:
        submission = SweepSubmission(sweep=sweep, **fields)
        with self.engine.begin() as connection:
            return submit_sweep(
                connection, submission, submitted_by="tester", version="0", idempotency_key=key, always=always
            )

    def start(self, spec: AnyJob, **fields: Any) -> int:
        """Submit and plan."""
        job_id = self.submit(spec, **fields)
        plan_jobs(self.engine)
        return job_id

    def claim(
        self,
        limit: int = 50,
        device: Literal["cpu", "cuda"] = "cpu",
        holder: str = "one",
        lease_seconds: float = 30.0,
    ) -> list[Claimed]:
        with self.engine.begin() as connection:
            return claim(connection, holder=holder, device=device, limit=limit, lease_seconds=lease_seconds)

    def done(self, block: Claimed, *objects: str, rows: Any = None, **fields: Any) -> Done:
        """The outcome of a block that wrote objects of the given names."""
        references = tuple(
            ObjectRef(name=name, key=f"jobs/{name}/{block.block_id}-{block.run}", sha256="0" * 64, size_bytes=1)
            for name in objects
        )
        record = BlockRecord(objects=references, **fields)
        return Done(block.block_id, block.job_id, block.token, record.model_dump_json(), rows or {})

    def broken(self, block: Claimed, kind: ErrorKind, message: str = "it broke") -> Broken:
        return Broken(
            block.block_id, block.job_id, block.token, BlockError(kind=kind, message=message, traceback="tb")
        )

    def commit(self, *outcomes: Done | Broken) -> list[bool]:
        with self.engine.begin() as connection:
            return commit(connection, outcomes)

    def renew(self, *blocks: Claimed) -> leases.Renewal:
        with self.engine.begin() as connection:
            return leases.renew(connection, {block.block_id: block.token for block in blocks}, 30.0)

    def rescue(self) -> int:
        with self.engine.begin() as connection:
            return leases.rescue(connection)

    def lapse(self) -> None:
        """All leases run out now."""
        self.sql("update blocks set lease_until = now() - interval '1 second' where state = 'running'")

    def due(self) -> None:
        """All backoffs end now."""
        self.sql("update blocks set ready_at = now() where state = 'ready'")

    def beat(self, cpu: int = 2, cuda: int = 0) -> None:
        with self.engine.begin() as connection:
            leases.beat(connection, "one", {"cpu": cpu, "cuda": cuda}, {"cpu": 0, "cuda": 0})

    def job(self, job_id: int) -> Job:
        with self.engine.connect() as connection:
            return jobs.job(connection, job_id)

    def blocks(self, job_id: int) -> tuple[Block, ...]:
        with self.engine.connect() as connection:
            return history.blocks(connection, job_id, limit=500).items

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with self.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return list(result) if result.returns_rows else []


@pytest.fixture
def migrated_url(postgres_url: str) -> str:
    upgrade(postgres_url)
    return postgres_url


@pytest.fixture
def desk(migrated_url: str) -> Iterator[Desk]:
    engine = connect(migrated_url, pool_size=10)
    yield Desk(engine)
    engine.dispose()
