"""What the dispatcher and a worker say to each other: small named tuples, cheap to send by the thousand.

They travel as one byte string each way. Left to Ray, every tuple is visited by serialisers written in Python, which
costs more than everything else a small block needs. Pickle is confined to this channel between our own processes,
which Ray authenticates; nothing that is stored is ever pickled.
"""

import pickle
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.blocks import ErrorKind
from workers.outcome import Rows


class Task(NamedTuple):
    """One block of a call."""

    block_id: int
    job_id: int
    run: int
    token: str
    """Of the lease: no two claims share it, in whichever database they were made."""
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
    rows: Mapping[str, Rows]
    """Result table → column → values."""
    seconds: float


class Failure(NamedTuple):
    """A block that did not finish."""

    block_id: int
    kind: ErrorKind
    message: str
    traceback: str | None
    seconds: float
    partial: tuple[str, Mapping[str, Rows]] | None = None
    """Record and rows of what it had stored before it failed and is worth keeping."""


Outcome = Success | Failure


class Order(NamedTuple):
    """One call: blocks to run in order."""

    specs: dict[str, str]
    """Canonical spec JSON by digest, of every job among the tasks."""
    tasks: Sequence[Task]

    def encode(self) -> bytes:
        """For the wire."""
        return pickle.dumps(self, protocol=5)


def decode_order(data: bytes) -> Order:
    """What `Order.encode` wrote."""
    order: Order = pickle.loads(data)  # noqa: S301 - see the module
    return order


def encode_outcomes(outcomes: Sequence[Outcome]) -> bytes:
    """For the wire."""
    return pickle.dumps(list(outcomes), protocol=5)


def decode_outcomes(data: bytes) -> list[Outcome]:
    """What `encode_outcomes` wrote."""
    outcomes: list[Outcome] = pickle.loads(data)  # noqa: S301 - see the module
    return outcomes
