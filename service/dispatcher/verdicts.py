"""What became of a block, in the terms of the queue."""

from ray.exceptions import OutOfMemoryError

from schemas.blocks import BlockError, ErrorKind
from service.dispatcher.ledger import Held
from service.queue.commit import Broken, Done
from workers.runtime.messages import Outcome, Success


def verdict(held: Held, outcome: Outcome) -> Done | Broken:
    """The commit that a worker's outcome asks for."""
    block = held.claimed
    if isinstance(outcome, Success):
        return Done(block.block_id, block.job_id, block.token, outcome.record_json, outcome.rows)
    partial = outcome.partial and Done(block.block_id, block.job_id, block.token, *outcome.partial)
    return broken(held, outcome.kind, outcome.message, outcome.traceback, partial)


def broken(
    held: Held, kind: ErrorKind, message: str, traceback: str | None = None, partial: Done | None = None
) -> Broken:
    """The commit of a failure."""
    block = held.claimed
    error = BlockError(kind=kind, message=message, traceback=traceback)
    return Broken(block.block_id, block.job_id, block.token, error, partial)


def cancelled(held: Held) -> Broken:
    """The commit of a block that stopped, or was made to stop, because its job is being cancelled."""
    return broken(held, "cancelled", "stopped because its job was cancelled")


def lost(held: Held, error: BaseException) -> Broken:
    """The commit of a block whose worker died under it."""
    text = " ".join(str(error).split())
    # Ray's own monitor says so. Its text for any other death names the kernel's killer too, but as one guess of many.
    if isinstance(error, OutOfMemoryError) or "running low on memory" in text:
        return broken(held, "memory", "the worker was ended because its host ran out of memory", text[:4000])
    return broken(held, "lost", "the worker died while the block ran", text[:4000])
