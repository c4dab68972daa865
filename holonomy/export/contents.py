"""What an export holds: the jobs asked for, the runs they stand on, and every file of them with its digest."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from holonomy.connection import Connection
from holonomy.errors import Refused, ServiceFault
from holonomy.parquet import made
from holonomy.varied import members
from schemas.api import JobDetail, Manifest
from schemas.archives import TableFile, tables_of
from schemas.exports import ExportedFile, ExportedJob, ExportedSweep, Member, StoredObject, object_path, table_path
from schemas.states import JobState
from schemas.sweep_bodies import SweepDetail

Tell = Callable[[str], None]
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


@dataclass(frozen=True)
class Wanted:
    """A file of an export, and where the service has it."""

    file: ExportedFile
    address: str


@dataclass(frozen=True)
class JobContents:
    """A job and its files."""

    job: ExportedJob
    files: tuple[Wanted, ...]


def with_parents(connection: Connection, jobs: Iterable[int]) -> list[JobDetail]:
    """The jobs with all that they stand on, parents first, each once.

    Raises:
        Refused: one is not done.
        NotFound: one is not there.
    """
    found: dict[int, JobDetail] = {}

    def add(job_id: int) -> None:
        if job_id in found:
            return
        detail = connection.get(f"/v1/jobs/{job_id}", JobDetail)
        if detail.state is not JobState.DONE:
            raise Refused(
                f"only done jobs are exported, and job {job_id} is {detail.state}: wait for it, or leave it out"
            )
        for parent in detail.parents:
            add(parent)
        found[job_id] = detail

    for job_id in jobs:
        add(job_id)
    return list(found.values())


def sweep(connection: Connection, number: int, tell: Tell) -> ExportedSweep:
    """A sweep with those of its jobs that are done.

    Raises:
        Refused: none is.
        NotFound: there is no such sweep.
    """
    detail = connection.get(f"/v1/sweeps/{number}", SweepDetail)
    there = list(members(connection, number))
    done = [one for one in there if one.job.state is JobState.DONE]
    if not done:
        raise Refused(f"no job of sweep {number} is done: there is nothing to export")
    if len(done) < len(there):
        tell(f"sweep {number}: {len(there) - len(done):,} of {len(there):,} jobs are not done and are left out")
    return ExportedSweep(
        id=number,
        digest=detail.digest,
        name=detail.name,
        spec=detail.sweep.model_dump(mode="json"),
        project=detail.project,
        tags=detail.tags,
        priority=detail.priority,
        submitted_at=detail.submitted_at,
        finished_at=detail.finished_at,
        version=detail.version,
        jobs=tuple(Member(position=one.position, job_id=one.job.id, varied=one.varied) for one in done),
        left_out=len(there) - len(done),
    )


def of_job(connection: Connection, detail: JobDetail, *, objects: bool) -> JobContents:
    """A job's tables, which the service writes as Parquet if need be, and its objects, if they are wanted."""
    tables = [table.name for table in tables_of(detail.kind)]
    files = [_table(file) for part in made(connection, [detail.id], tables) for file in part.files]
    manifest = connection.get(f"/v1/jobs/{detail.id}/objects", Manifest)
    gone = set(manifest.dropped)
    stored = [
        StoredObject(
            name=ref.name,
            sha256=ref.sha256,
            size_bytes=ref.size_bytes,
            arrays=ref.arrays,
            absent=not objects or ref.name in gone,
        )
        for ref in manifest.objects
    ]
    if objects:
        files += [
            _object(detail.id, ref.key, one)
            for ref, one in zip(manifest.objects, stored, strict=True)
            if not one.absent
        ]
    job = ExportedJob(**detail.model_dump(exclude={"state"}), objects=tuple(stored))
    return JobContents(job, tuple(files))


def _table(file: TableFile) -> Wanted:
    if file.rows is None or file.size_bytes is None or file.sha256 is None:
        raise ServiceFault(f"the service did not write the table {file.table} of job {file.job_id}; ask again")
    return Wanted(
        ExportedFile(
            path=table_path(file.job_id, file.table),
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            job_id=file.job_id,
            what="table",
            name=file.table,
            rows=file.rows,
        ),
        f"/v1/jobs/{file.job_id}/parquet/{file.table}",
    )


def _object(job_id: int, key: str, stored: StoredObject) -> Wanted:
    if not _PLAIN_NAME.fullmatch(stored.name):
        raise ServiceFault(f"object {stored.name!r} of job {job_id} has a name that no file can have")
    return Wanted(
        ExportedFile(
            path=object_path(job_id, stored.name, key),
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            job_id=job_id,
            what="object",
            name=stored.name,
        ),
        f"/v1/jobs/{job_id}/objects/{stored.name}",
    )
