"""Exports of jobs and sweeps as folders, and what brings them into another installation."""

from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from schemas.api import Body
from schemas.base import Digest
from schemas.blocks import ArrayInfo
from schemas.jobs import JobSpec

FORMAT_VERSION = 1


class StoredObject(Body):
    """An object of a job as an export names it."""

    name: str
    """Name within its job."""
    sha256: Digest
    """Digest of the bytes."""
    size_bytes: Annotated[int, Field(ge=0)]
    """Length."""
    arrays: dict[str, ArrayInfo] = Field(default_factory=dict)
    """What is inside, for safetensors objects."""
    absent: bool = False
    """Whether the export has no file of it: retention took it away, or the export left it out."""


class ExportedFile(Body):
    """A file of an export."""

    path: str
    """Where it is in the folder, with `/` between its parts."""
    sha256: Digest
    """Digest of the bytes."""
    size_bytes: Annotated[int, Field(ge=0)]
    """Length."""
    job_id: int
    """Job it belongs to."""
    what: Literal["table", "object"]
    """Rows in Parquet, or an object as the job stored it."""
    name: str
    """Name of the table or object within its job."""
    rows: int | None = None
    """Rows of a table."""


class ExportedJob(Body):
    """A job in an export. Numbers of jobs are those of the installation that it comes from."""

    id: int
    """Number of the job."""
    digest: Digest
    """Digest of its spec."""
    kind: str
    """Kind of its spec."""
    name: str | None
    """Label for people."""
    spec: JobSpec
    """As canonicalised and pinned."""
    state: Literal["done"] = "done"
    """Jobs that are not done are not exported."""
    priority: int
    """Higher went first."""
    project: str = "default"
    """Project it belonged to."""
    tags: tuple[str, ...] = ()
    """Labels to find it by."""
    submitted_at: datetime
    """When it was accepted."""
    started_at: datetime | None
    """When its first block was claimed."""
    finished_at: datetime | None
    """When it was done."""
    version: str
    """Version of the service that accepted it."""
    parents: tuple[int, ...]
    """Jobs whose results it used; they are in the export as well."""
    objects: tuple[StoredObject, ...]
    """Everything it stored."""
    provenance: tuple[dict[str, JsonValue], ...] = ()
    """What its blocks were computed with: each distinct set of versions, device, threads and host, once."""


class Member(Body):
    """A job in a sweep."""

    position: Annotated[int, Field(ge=0)]
    """Place in the sweep, from 0."""
    job_id: int
    """The job."""
    varied: dict[str, JsonValue]
    """Value of each varied field by its path."""


class ExportedSweep(Body):
    """A sweep in an export."""

    id: int
    """Number of the sweep."""
    digest: Digest
    """Digest of the sweep."""
    name: str | None
    """Label for people."""
    spec: dict[str, Any]
    """The sweep, with data pinned."""
    project: str = "default"
    """Project it belonged to."""
    tags: tuple[str, ...] = ()
    """Labels to find it by."""
    priority: int = 0
    """Higher went first."""
    submitted_at: datetime
    """When it was accepted."""
    finished_at: datetime | None
    """When its last job ended."""
    version: str
    """Version of the service that accepted it."""
    jobs: tuple[Member, ...]
    """Its jobs, of those that were done."""
    left_out: int = 0
    """Jobs of it that were not done."""


class ExportManifest(Body):
    """`manifest.json` of an export, written when everything else is there."""

    format: Literal["holonomy-export"] = "holonomy-export"
    """What this is."""
    format_version: int = FORMAT_VERSION
    """Changes when a reader has to."""
    exported_at: datetime
    """When the export was finished."""
    source: str
    """Address of the service that it comes from."""
    version: str
    """Version of that service."""
    jobs: tuple[ExportedJob, ...]
    """Jobs, parents before what needs them."""
    sweeps: tuple[ExportedSweep, ...] = ()
    """Sweeps."""
    files: tuple[ExportedFile, ...]
    """Every other file of the folder."""


class ImportSource(Body):
    """Where an imported job or sweep comes from."""

    source: str
    """Address of the service that exported it."""
    version: str
    """Version of that service."""
    exported_at: datetime
    """When."""
    number: int
    """Number of the job or sweep there."""


class JobImport(Body):
    """Ask for a job of an export to be stored as it was. Its files are uploaded before."""

    source: ImportSource
    """Where it comes from."""
    job: ExportedJob
    """The job, with numbers of the installation that it comes from."""
    parents: dict[int, int]
    """Number there to number here of each of its parents."""
    tables: dict[str, Digest]
    """Digest of the Parquet file of each table."""


class SweepImport(Body):
    """Ask for a sweep of an export to be stored. Its jobs are imported before."""

    source: ImportSource
    """Where it comes from."""
    sweep: ExportedSweep
    """The sweep; its jobs have their numbers of this installation."""


class Imported(Body):
    """The answer to an import."""

    id: int
    """Number of the job or sweep here."""
    created: bool
    """False when it was there already, and was left alone."""


class Digests(Body):
    """Some digests."""

    sha256s: Annotated[tuple[Digest, ...], Field(max_length=1_000)]
    """SHA-256 of files."""


def table_path(job_id: int, table: str) -> str:
    """Where an export keeps a table. `job_id=…` makes it a column for readers of partitioned Parquet."""
    return f"tables/job_id={job_id}/{table}.parquet"


def object_path(job_id: int, name: str, key: str) -> str:
    """Where an export keeps an object: its name, with the ending of its key."""
    return f"objects/job_id={job_id}/{name}{PurePosixPath(key).suffix}"


def upload_key(sha256: str) -> str:
    """Key in the bucket of a file that was uploaded for an import."""
    return f"imports/{sha256}"
