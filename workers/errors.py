"""Faults of a block: why it did not finish, in the terms that decide what happens next.

BlockFault            internal: counted, retried with backoff
├── UserFault         user: the spec or the data is wrong; never retried
├── MemoryFault       memory: once more with half the micro tile
├── Unavailable       unavailable: a bucket or a peer is away; tried again, not counted
└── Cancelled         cancelled: told to stop
"""

from typing import ClassVar

from schemas.blocks import ErrorKind
from workers.outcome import Finished


class BlockFault(Exception):
    """A block cannot finish; the message is one line for a person.

    Attributes:
        kind: How the failure is treated.
        partial: What the block had stored before it stopped and is worth keeping, if anything.
    """

    kind: ClassVar[ErrorKind] = "internal"

    def __init__(self, message: str, partial: Finished | None = None) -> None:
        super().__init__(message)
        self.partial = partial


class UserFault(BlockFault):
    """The spec or the data is wrong: running again would end the same way."""

    kind = "user"


class MemoryFault(BlockFault):
    """The device or the host had too little memory."""

    kind = "memory"


class Unavailable(BlockFault):
    """Something outside the worker is away for now."""

    kind = "unavailable"


class Cancelled(BlockFault):
    """The block was told to stop."""

    kind = "cancelled"
