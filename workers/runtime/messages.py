"""What the dispatcher and a worker say to each other: small named tuples, cheap to pickle by the thousand."""

from typing import Any, NamedTuple

from schemas.blocks import ErrorKind


class Task(NamedTuple):
    """One block of a call."""

    block_id: int
    job_id: int
    run: int
    digest: str
    """Digest of the job's spec, which the call carries once per job."""
    payload_json: str
    inputs_json: str
    shrink: int


class Success(NamedTuple):
    """A finished block."""

    block_id: int
    record_json: str
    """A `schemas.blocks.BlockRecord`."""
    rows: dict[str, dict[str, Any]]
    """Result table → column → values."""
    seconds: float


class Failure(NamedTuple):
    """A block that did not finish."""

    block_id: int
    kind: ErrorKind
    message: str
    traceback: str | None
    seconds: float
    partial: tuple[str, dict[str, dict[str, Any]]] | None = None
    """Record and rows of what it had stored before it failed and is worth keeping."""


Outcome = Success | Failure
