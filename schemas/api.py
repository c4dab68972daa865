"""Bodies of the HTTP API under `/v1`."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Digest
from schemas.blocks import BlockError, ObjectRef
from schemas.jobs import DEFAULT_PROJECT, JobSpec
from schemas.states import BlockState, JobState

Scope = Literal["read", "submit", "admin"]
"""read: look at everything. submit: also submit, cancel, retry, import. admin: also tokens."""


class Body(BaseModel):
    """An answer: frozen; a client of an older version ignores fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Progress(Body):
    """Blocks of a job by state."""

    total: int = 0
    """Blocks planned so far; 0 before planning."""
    done: int = 0
    """Committed."""
    running: int = 0
    """Under a live lease."""
    ready: int = 0
    """May be claimed."""
    waiting: int = 0
    """Wait for an earlier phase."""
    failed: int = 0
    """Failed."""


class Job(Body):
    """A job as the API shows it."""

    id: int
    """Number of the job."""
    digest: Digest
    """Digest of its spec."""
    kind: str
    """Kind of its spec."""
    name: str | None
    """Label for people."""
    state: JobState
    """Where it stands."""
    reason: str | None
    """Why it is not running or not done, in words; null when there is nothing to say."""
    priority: int
    """Higher goes first."""
    project: str = DEFAULT_PROJECT
    """Project that it belongs to."""
    tags: tuple[str, ...] = ()
    """Labels to find it by."""
    submitted_at: datetime
    """When it was accepted."""
    started_at: datetime | None
    """When its first block was claimed."""
    finished_at: datetime | None
    """When it reached a terminal state."""
    parents: tuple[int, ...] = ()
    """Jobs whose results it needs."""
    progress: Progress = Progress()
    """Blocks by state."""
    error: BlockError | None = None
    """What made it fail."""

    @property
    def why(self) -> str | None:
        """Why it is not running or not done, where there is more to say than its state."""
        text = self.reason if self.error is None else self.error.message
        return None if text == self.state else text


class JobDetail(Job):
    """A job with its spec."""

    spec: JobSpec
    """As canonicalised and pinned."""
    version: str
    """Version of the service that accepted it."""


class Submitted(Body):
    """The answer to a submission."""

    job: Job
    """The job."""
    created: bool
    """False when the same spec had been submitted before and that job was returned."""


class Page(Body):
    """Fields of a page of a keyset-paged list."""

    next: str | None = None
    """Pass as `cursor` for the next page; null on the last."""


class JobPage(Page):
    """Jobs, newest first."""

    items: tuple[Job, ...]
    """Jobs."""


class Block(Body):
    """A block as the API shows it."""

    id: int
    """Number of the block."""
    seq: int
    """Order within the job."""
    phase: int
    """Phases of a job run one after the other."""
    kind: str
    """Kind of its payload."""
    state: BlockState
    """Where it stands."""
    attempts: int
    """Counted failures so far."""
    runs: int
    """Times it was claimed."""
    reason: str | None
    """Why it is not running."""
    leased_by: str | None
    """Dispatcher that holds it."""
    seconds: float | None
    """Wall time of the run that was committed."""
    error: BlockError | None
    """Last failure."""
    provenance: dict[str, Any] = {}
    """What its result was computed with: versions of code and libraries, device, threads, host."""
    data: dict[str, Any] = {}
    """What its run reports of itself: for brackets the path, pairs, and how many were taken again in float64."""


class BlockPage(Page):
    """Blocks in order."""

    items: tuple[Block, ...]
    """Blocks."""


class Event(Body):
    """A line of a job's log."""

    id: int
    """Ascending number."""
    at: datetime
    """When."""
    level: str
    """Severity."""
    block_id: int | None
    """Block it is about, if any."""
    message: str
    """Text."""
    data: dict[str, Any]
    """Fields for programs."""


class EventPage(Page):
    """Log lines, oldest first."""

    items: tuple[Event, ...]
    """Lines."""


class Manifest(Body):
    """Every object of a job."""

    job_id: int
    """The job."""
    digest: Digest
    """Digest of its spec."""
    objects: tuple[ObjectRef, ...]
    """Objects by name."""
    dropped: tuple[str, ...] = ()
    """Names of those that retention took away; what was in them is still told."""


class TokenRequest(Body):
    """Ask for a token."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    """Whose it is."""
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    """What it may do."""


class TokenInfo(Body):
    """A token without its secret."""

    id: int
    """Number."""
    name: str
    """Whose it is."""
    scopes: tuple[Scope, ...]
    """What it may do."""
    created_at: datetime
    """When."""
    revoked_at: datetime | None
    """When it was revoked, if it was."""


class NewToken(TokenInfo):
    """A token, shown once."""

    token: str
    """The secret; only its SHA-256 is stored."""


class DispatcherInfo(Body):
    """A dispatcher that has beaten lately, or has not."""

    id: str
    """Host, process and start."""
    heartbeat_at: datetime
    """Last sign of life, by the database clock."""
    alive: bool
    """Whether that is recent."""
    slots: dict[str, int]
    """Worker slots by device."""
    busy: dict[str, int]
    """Slots in use by device."""


class ServiceStatus(Body):
    """What runs and what waits."""

    version: str
    """Version of the service."""
    jobs: dict[str, int]
    """Jobs by state."""
    blocks: dict[str, int]
    """Unfinished blocks by state."""
    dispatchers: tuple[DispatcherInfo, ...]
    """Dispatchers."""
    oldest_ready_seconds: float | None
    """Age of the oldest block that could run and does not; null when there is none."""
    bucket: str
    """Where objects are."""
    database: str
    """Where metadata is: host, port and database name, no secrets."""


class Problem(Body):
    """An error, as application/problem+json (RFC 9457)."""

    type: str = "about:blank"
    """Kind of problem: `holonomy:<code>`."""
    title: str
    """Short name."""
    status: int
    """HTTP status."""
    detail: str
    """One line: what was expected, what came, what to do."""
    request_id: str
    """Quote it when asking for help; it is in the server's log."""
    errors: tuple[dict[str, Any], ...] = ()
    """For invalid bodies: where and what, one entry per field."""
