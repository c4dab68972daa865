"""Parquet objects of done jobs' tables: written once each, on first demand."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from sqlalchemy import Connection, Engine, text

from schemas.archives import ARCHIVED, RECORDS, TableFile, tables_of
from schemas.columns import ResultTable
from schemas.nearest import did_you_mean
from schemas.states import JobState
from service.archive import parquet
from service.archive.scratch import scratch_folder
from service.archive.sources import statement
from service.db.arrow import ArrowDatabase
from service.errors import Conflict, Missing
from service.objects import ObjectStore, Unavailable
from service.retention.naming import hold_names

READ_SECONDS = 3_600.0
"""Longest the rows of one table may take to be read and written: 100,000,000 rows at 30,000 a second."""
_PAUSE_SECONDS = 120.0
_WAIT_SECONDS = 20.0
_CHUNK_BYTES = 2**20

_JOB = text("select digest, kind, state, clock_timestamp() as at from jobs where id = :job")
# Retention and mending write to the log of a done job, and mending runs its blocks again: what was written of either
# before the last line is out of date. Result tables never change.
_OUTDATED = """
    table_name = any(:records)
    and created_at <= (select at from events e where e.job_id = :job order by e.id desc limit 1)
"""
_WRITTEN = text(f"""
    select table_name, key, sha256, size_bytes, rows from table_files
    where job_id = :job and ({_OUTDATED}) is not true
""")  # noqa: S608 - constants only
_FORGET = text(f"delete from table_files where job_id = :job and {_OUTDATED}")  # noqa: S608 - constants only
_NAME = text("""
    insert into table_files (job_id, table_name, key, sha256, size_bytes, rows, created_at)
    values (:job, :table, :key, :sha256, :size, :rows, coalesce(:read_at, clock_timestamp()))
    on conflict (job_id, table_name) do nothing
""")


@dataclass(frozen=True)
class Written:
    """A Parquet object, and what is in it."""

    job_id: int
    table: str
    key: str
    sha256: str
    size_bytes: int
    rows: int

    @property
    def shown(self) -> TableFile:
        """As the API shows it."""
        return TableFile(
            job_id=self.job_id, table=self.table, rows=self.rows, size_bytes=self.size_bytes, sha256=self.sha256
        )


@dataclass(frozen=True)
class Parts:
    """What archiving stands on."""

    engine: Engine
    arrow: ArrowDatabase
    objects: ObjectStore
    slots: BoundedSemaphore
    """Tables that are written at once."""


def listed(connection: Connection, job_id: int) -> tuple[TableFile, ...]:
    """Every table of a done job; sizes are those of the tables that were asked for before.

    Raises:
        Missing: there is no such job.
        Conflict: it is not done.
    """
    job = _done(connection, job_id)
    written = _written(connection, job_id)
    return tuple(
        written[table.name].shown
        if table.name in written
        else TableFile(job_id=job_id, table=table.name, rows=None, size_bytes=None, sha256=None)
        for table in tables_of(job.kind)
    )


def known(names: Iterable[str]) -> list[ResultTable]:
    """The tables of those names.

    Raises:
        Missing: one is not the name of a table.
    """
    tables = []
    for name in names:
        table = ARCHIVED.get(name)
        if table is None:
            raise Missing(
                "unknown_table",
                f"there is no table {name!r}{did_you_mean(name, ARCHIVED)}; there are: {', '.join(ARCHIVED)}",
            )
        tables.append(table)
    return tables


def ensure(parts: Parts, job_id: int, tables: Sequence[ResultTable]) -> Iterator[Written]:
    """Those of the tables that this kind of job has, each written unless it was before.

    Raises:
        Missing: there is no such job.
        Conflict: it is not done.
        QueryFault: the database failed while rows were read.
        Unavailable: the object store is away, a disk is full, or too many tables are being written.
    """
    with parts.engine.connect() as connection:
        job = _done(connection, job_id)
        written = _written(connection, job_id)
    own = {table.name for table in tables_of(job.kind)}
    for table in tables:
        if table.name in written:
            yield written[table.name]
        elif table.name in own:
            yield _write(parts, job_id, job, table)


def _write(parts: Parts, job_id: int, job: Any, table: ResultTable) -> Written:
    if not parts.slots.acquire(timeout=_WAIT_SECONDS):
        raise Unavailable("too many tables are being written as Parquet at once; try again in a moment")
    try:
        return _written_now(parts, job_id, job, table)
    finally:
        parts.slots.release()


def _written_now(parts: Parts, job_id: int, job: Any, table: ResultTable) -> Written:
    with scratch_folder() as folder:
        path = folder / f"{table.name}.parquet"
        query = statement(table, job_id)
        with parts.arrow.open(query, timeout_seconds=READ_SECONDS, pause_seconds=_PAUSE_SECONDS) as batches:
            rows = parquet.write(table, batches, path)
        sha256, size_bytes = digest_of(path), path.stat().st_size
        # Its content is in the key: who writes the same rows at the same time writes the same object, and whoever
        # stops between the object and its row leaves what the next demand names.
        key = f"jobs/{job.digest}/tables/{table.name}/{job_id}-{sha256}.parquet"
        parts.objects.put_file(key, path, sha256)
        with parts.engine.begin() as connection:
            hold_names(connection)
            # Under the lock: until now nobody named it, and it may have been collected.
            if parts.objects.head(key) is None:
                parts.objects.put_file(key, path, sha256)
            connection.execute(_FORGET, _of(job_id))
            made = Written(job_id, table.name, key, sha256, size_bytes, rows)
            name(connection, made, job.at)
            # Unless the job was mended meanwhile, this is the first that was written.
            return _written(connection, job_id).get(table.name, made)


def name(connection: Connection, written: Written, read_at: datetime | None = None) -> None:
    """Keep that an object holds a table as it was at some time, or now; the first to say so is believed."""
    connection.execute(
        _NAME,
        {
            "job": written.job_id,
            "table": written.table,
            "key": written.key,
            "sha256": written.sha256,
            "size": written.size_bytes,
            "rows": written.rows,
            "read_at": read_at,
        },
    )


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _done(connection: Connection, job_id: int) -> Any:
    job = connection.execute(_JOB, {"job": job_id}).one_or_none()
    if job is None:
        raise Missing("unknown_job", f"there is no job {job_id}")
    if job.state != JobState.DONE:
        raise Conflict(
            "job_not_done",
            f"job {job_id} is {job.state}: its tables become Parquet once it is done; until then its rows are at "
            f"/v1/jobs/{job_id}/tables",
        )
    return job


def _written(connection: Connection, job_id: int) -> dict[str, Written]:
    rows = connection.execute(_WRITTEN, _of(job_id))
    return {
        row.table_name: Written(job_id, row.table_name, row.key, row.sha256, row.size_bytes, row.rows) for row in rows
    }


def _of(job_id: int) -> dict[str, Any]:
    return {"job": job_id, "records": [table.name for table in RECORDS]}
