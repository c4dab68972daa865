"""Result tables of done jobs as Parquet objects.

A Parquet file holds the rows of one table of one job in key order, without the job's number: equal results are equal
files, on every installation.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from schemas.api import Body
from schemas.base import Digest
from schemas.bracket_results import BRACKET_TABLES
from schemas.columns import Column, ResultTable
from schemas.replica_results import REPLICA_TABLES
from schemas.training_results import TRAINING_TABLES

BLOCKS = ResultTable(
    "blocks",
    "Blocks of a job, with what each was computed with.",
    (
        Column("seq", "int", "index", "Order within the job.", key=True),
        Column("phase", "int", "index", "Phases of a job run one after the other."),
        Column("kind", "text", "name", "Kind of its payload."),
        Column("device", "text", "name", "Device it asked for: `any`, `cpu` or `cuda`."),
        Column("attempts", "int", "count", "Counted failures."),
        Column("runs", "int", "count", "Times it was claimed."),
        Column("lost", "int", "count", "Runs that vanished."),
        Column("waits", "int", "count", "Runs that found a peer away."),
        Column("shrink", "int", "count", "Halvings of the micro tile."),
        Column("seconds", "float", "s", "Wall time of the run that was committed.", nullable=True),
        Column("started_at", "text", "UTC", "When it was first claimed, ISO 8601.", nullable=True),
        Column("finished_at", "text", "UTC", "When it was committed, ISO 8601.", nullable=True),
        Column("leased_on", "text", "name", "Device of the slot it ran on.", nullable=True),
        Column("payload", "text", "JSON", "What the worker was asked, a JSON document."),
        Column("needs", "text", "JSON", "Its inputs by job and name, a JSON list."),
        Column("record", "text", "JSON", "What the worker answered, a JSON document with its provenance."),
    ),
)
EVENTS = ResultTable(
    "events",
    "Log of a job, oldest line first.",
    (
        Column("line", "int", "id", "Number of the line, from 1.", key=True),
        Column("at", "text", "UTC", "When, ISO 8601."),
        Column("level", "text", "name", "Severity."),
        Column("seq", "int", "index", "Block it is about.", nullable=True),
        Column("message", "text", "text", "Text."),
        Column("data", "text", "JSON", "Fields for programs, a JSON document."),
    ),
)
RECORDS = (BLOCKS, EVENTS)
"""How a job went: every kind of job has these."""
_RESULTS: dict[str, tuple[ResultTable, ...]] = {
    "training": TRAINING_TABLES,
    "brackets": BRACKET_TABLES,
    "replicas": REPLICA_TABLES,
    "diagnostic": (),
}
ARCHIVED: dict[str, ResultTable] = {table.name: table for tables in (*_RESULTS.values(), RECORDS) for table in tables}
"""Every table that is kept as Parquet, by name."""


def tables_of(kind: str) -> tuple[ResultTable, ...]:
    """Tables of a kind of job: those it fills, and how it went."""
    return (*_RESULTS.get(kind, ()), *RECORDS)


class TableFile(Body):
    """A table of a job as a Parquet object. Sizes are null until the object is written, on first demand."""

    job_id: int
    """The job."""
    table: str
    """Name of the table."""
    rows: int | None
    """Rows in it."""
    size_bytes: int | None
    """Length."""
    sha256: Digest | None
    """Digest of the bytes."""


class ParquetRequest(Body):
    """Ask for tables of jobs as Parquet objects; what is not written yet is written."""

    jobs: Annotated[tuple[int, ...], Field(min_length=1, max_length=1_000)]
    """Done jobs."""
    tables: Annotated[tuple[str, ...], Field(min_length=1, max_length=100)]
    """Names of tables."""


class ParquetFiles(Body):
    """Tables that are written, and how to read them without sending a token."""

    files: tuple[TableFile, ...]
    """In the order of the request, job by job; tables that a kind of job does not have are left out."""
    ticket: str
    """Add `?ticket=…` to the address of a Parquet file: it can be read without a token, until `expires_at`."""
    expires_at: datetime
    """When the ticket ends. It ends sooner when the token that asked for it is revoked."""


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
    dropped: bool = False
    """Whether retention took it away: the export names it, and holds no file of it."""


class ExportedFile(Body):
    """A file of an export."""

    path: str
    """Where it is in the folder, with `/` between its parts."""
    job_id: int
    """Job it belongs to."""
    what: Literal["table", "object"]
    """Rows in Parquet, or an object as the job stored it."""
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
    """The job."""
    varied: dict[str, JsonValue]
    """Value of each varied field by its path."""


class ExportedSweep(Body):
    """A sweep in an export."""

    """Number of the sweep."""
    """Digest of the sweep."""
    spec: dict[str, Any]
    """The sweep, with data pinned."""
    priority: int = 0
    """When its last job ended."""
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
    """Version of that service."""
    jobs: tuple[ExportedJob, ...]
    """Jobs, parents before what needs them."""
    sweeps: tuple[ExportedSweep, ...] = ()
    """Sweeps."""
    files: tuple[ExportedFile, ...]
    """Every other file of the folder."""


class ImportSource(Body):
    """Where an imported job or sweep comes from."""

    """Address of the service that exported it."""
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

    sweep: ExportedSweep
    """The sweep; its jobs have their numbers of this installation."""


class Imported(Body):
    """The answer to an import."""

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
