"""What a failure leads to. Pure: the kinds are described in `schemas.blocks.ErrorKind`."""

import random
from dataclasses import dataclass
from typing import assert_never

from schemas.blocks import BlockError
from schemas.states import BlockState

UNAVAILABLE = "unavailable"
"""Reason of a block that waits for something outside, such as the bucket."""
MAX_LOST = 20
MAX_SHRINK = 1
RETRY_BASE_SECONDS, RETRY_LONGEST_SECONDS = 2.0, 300.0
WAIT_BASE_SECONDS, WAIT_LONGEST_SECONDS = 1.0, 60.0


@dataclass(frozen=True)
class Tries:
    """How a block has fared so far."""

    attempts: int
    max_attempts: int
    lost: int
    waits: int
    shrink: int


@dataclass(frozen=True)
class Verdict:
    """What becomes of the block."""

    state: BlockState
    attempts: int
    lost: int
    waits: int
    shrink: int
    delay_seconds: float
    reason: str


def judge(error: BlockError, tries: Tries, *, stopping: bool, jitter: float | None = None) -> Verdict:
    """Decide about a block whose run ended in `error`.

    Args:
        error: The failure.
        tries: Counters before it.
        stopping: Whether the job is being cancelled or has ended: nothing runs again then.
        jitter: In [0, 1); by default drawn. Spreads the retries of blocks that failed together.
    """
    spread = 0.75 + 0.5 * (random.random() if jitter is None else jitter)  # noqa: S311 - spreads load, keeps no secret
    counts = {"attempts": tries.attempts, "lost": tries.lost, "waits": tries.waits, "shrink": tries.shrink}

    def again(delay: float, reason: str, **changed: int) -> Verdict:
        return Verdict(state=BlockState.READY, delay_seconds=delay, reason=reason, **(counts | changed))

    def stop(state: BlockState, reason: str, **changed: int) -> Verdict:
        return Verdict(state=state, delay_seconds=0.0, reason=reason, **(counts | changed))

    if stopping:
        return stop(BlockState.CANCELLED, "its job stopped")
    match error.kind:
        case "user":
            return stop(BlockState.FAILED, "not retried: the spec or the data is wrong")
        case "memory":
            if tries.shrink >= MAX_SHRINK:
                return stop(BlockState.FAILED, "out of memory again, with the micro tile halved")
            return again(0.0, "once more with the micro tile halved", shrink=tries.shrink + 1)
        case "unavailable":
            waits = tries.waits + 1
            return again(spread * _backoff(WAIT_BASE_SECONDS, waits, WAIT_LONGEST_SECONDS), UNAVAILABLE, waits=waits)
        case "lost" | "cancelled":
            # A cancellation without a cancelled job comes from one that was retried meanwhile: as if lost.
            lost = tries.lost + 1
            if lost > MAX_LOST:
                return stop(BlockState.FAILED, f"its worker died {lost} times", lost=lost)
            delay = 0.0 if lost == 1 else spread * _backoff(RETRY_BASE_SECONDS, lost - 1, WAIT_LONGEST_SECONDS)
            return again(delay, f"worker lost {lost} of {MAX_LOST}", lost=lost)
        case "timeout" | "internal":
            attempts = tries.attempts + 1
            if attempts >= tries.max_attempts:
                return stop(BlockState.FAILED, f"failed {attempts} of {tries.max_attempts} times", attempts=attempts)
            delay = spread * _backoff(RETRY_BASE_SECONDS, attempts, RETRY_LONGEST_SECONDS)
            return again(delay, f"retry {attempts + 1} of {tries.max_attempts}", attempts=attempts)
        case _:
            assert_never(error.kind)


def _backoff(base: float, failures: int, longest: float) -> float:
    return min(longest, base * 2.0 ** min(failures - 1, 30))
