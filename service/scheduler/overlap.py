"""What to do next with the firings of a schedule: the overlap policies as a pure function.

Cron instants and triggers form one lane, backfilled instants another: a night of last month neither holds up tonight
nor is skipped for it. Backfilled instants that may not overlap wait for one another, whatever the policy, for leaving
them out, or cancelling each for the next, is not what was asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, assert_never

from schemas.durations import duration_of
from schemas.states import FiringState, Origin, Overlap


@dataclass(frozen=True)
class Pending:
    """A firing that has not ended."""

    id: int
    instant: datetime
    origin: Origin
    state: FiringState
    due_at: datetime
    sweep_id: int | None


@dataclass(frozen=True)
class Step:
    """The next thing to do: one move of one firing."""

    firing: Pending
    move: Literal["fire", "skip", "wait", "miss", "cancel"]
    reason: str | None = None


def next_step(
    overlap: Overlap, pending: Sequence[Pending], now: datetime, *, catch_up: timedelta, paused: bool = False
) -> Step | None:
    """The next thing to do with a schedule's unfinished firings; None when there is nothing to do yet.

    Args:
        overlap: Its policy.
        pending: Its firings that have not ended, in order of instants.
        now: The time.
        catch_up: How long after it was due a cron instant may fire.
        paused: Whether cron instants are held back; what was asked for by hand fires all the same.
    """
    for lane in (False, True):
        mine = [firing for firing in pending if (firing.origin is Origin.BACKFILL) is lane]
        policy = Overlap.QUEUE if lane and overlap is not Overlap.ALLOW else overlap
        held = [firing for firing in mine if paused and firing.origin is Origin.CRON]
        running = [firing for firing in mine if firing.state is FiringState.RUNNING]
        ahead = [firing for firing in mine if firing.state is not FiringState.RUNNING and firing not in held]
        step = _late(ahead, now, catch_up) or _by_policy(policy, ahead, running, now)
        if step is not None:
            return step
    return None


def _late(ahead: Sequence[Pending], now: datetime, catch_up: timedelta) -> Step | None:
    for firing in ahead:
        if firing.origin is Origin.CRON and firing.state is FiringState.DUE and now > firing.due_at + catch_up:
            window = duration_of(int(catch_up.total_seconds()))
            reason = f"could not be fired within {window} of {firing.due_at:%Y-%m-%d %H:%M:%S} UTC"
            return Step(firing, "miss", reason)
    return None


def _by_policy(overlap: Overlap, ahead: Sequence[Pending], running: Sequence[Pending], now: datetime) -> Step | None:
    due = [firing for firing in ahead if firing.due_at <= now]
    if not due:
        return None
    first = due[0]
    match overlap:
        case Overlap.ALLOW:
            return Step(first, "fire")
        case Overlap.SKIP:
            return Step(first, "skip", f"{_named(running[0])} still ran") if running else Step(first, "fire")
        case Overlap.CANCEL_PREVIOUS:
            # Not in one go with the firing: two transactions that each stop jobs and find others could deadlock.
            reason = f"cancelled for the firing of {first.instant:%Y-%m-%d %H:%M} UTC"
            return Step(running[0], "cancel", reason) if running else Step(first, "fire")
        case Overlap.QUEUE:
            return _queued(ahead, due, running)
        case _:
            assert_never(overlap)


def _queued(ahead: Sequence[Pending], due: Sequence[Pending], running: Sequence[Pending]) -> Step | None:
    """Strictly in order: an instant that still has to wait for its jitter holds up those after it."""
    before = [*running, *ahead]
    if before[0] is due[0]:
        return Step(due[0], "fire")
    for firing in due:
        if firing.state is FiringState.DUE and firing is not before[0]:
            return Step(firing, "wait", f"waits for {_named(before[0])}")
    return None


def _named(firing: Pending) -> str:
    sweep = "" if firing.sweep_id is None else f" (sweep {firing.sweep_id})"
    return f"the firing of {firing.instant:%Y-%m-%d %H:%M} UTC{sweep}"
