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
