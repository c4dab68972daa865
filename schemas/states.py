"""States of jobs, blocks, sweeps and firings, and the only moves between those of jobs and of blocks.

Terminal states are left by an explicit `retry` alone, never by a worker, a lease or a rescuer. To mend lost objects,
done blocks run again; the database allows those moves only to a transaction that says it is mending.
"""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"  # accepted; waits for its parents or for the planner
    RUNNING = "running"  # planned; its blocks run or wait for a slot
    CANCELLING = "cancelling"  # cancel asked for; running blocks are told, then killed
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class BlockState(StrEnum):
    """Where a block stands."""

    WAITING = "waiting"  # an earlier phase of the job is not finished
    READY = "ready"  # may be claimed once `ready_at` has come
    RUNNING = "running"  # held under a lease
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SweepState(StrEnum):
    """Where a sweep stands, as its jobs do."""

    RUNNING = "running"  # some job has not ended
    CANCELLING = "cancelling"  # cancel asked for; running blocks are told, then killed
    DONE = "done"  # every job is
    FAILED = "failed"  # every job has ended, one or more failed
    CANCELLED = "cancelled"  # every job has ended, none failed, one or more were cancelled


class Overlap(StrEnum):
    """What a schedule does at an instant while an earlier firing of it still runs."""

    SKIP = "skip"  # leave this instant out
    QUEUE = "queue"  # fire when the earlier ones have ended, in order
    CANCEL_PREVIOUS = "cancel-previous"  # cancel them, then fire
    ALLOW = "allow"  # run beside them


class Origin(StrEnum):
    """Where a firing comes from."""

    CRON = "cron"
    TRIGGER = "trigger"  # asked for by hand
    BACKFILL = "backfill"  # an instant of the past, asked for by hand


class FiringState(StrEnum):
    """Where the firing of an instant stands."""

    DUE = "due"  # fires when its jitter has passed
    WAITING = "waiting"  # for an earlier firing, by the overlap policy
    RUNNING = "running"  # its sweep was submitted
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"  # an earlier firing still ran
    MISSED = "missed"  # no scheduler ran within the catch-up window
    REFUSED = "refused"  # the service did not accept the sweep


TERMINAL_JOBS = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
TERMINAL_SWEEPS = frozenset({SweepState.DONE, SweepState.FAILED, SweepState.CANCELLED})
TERMINAL_BLOCKS = frozenset({BlockState.DONE, BlockState.FAILED, BlockState.CANCELLED})

JOB_MOVES: dict[JobState, frozenset[JobState]] = {
    # Cancelling: one that was retried may wait for its turn while a block of it still runs.
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLING, JobState.FAILED, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.CANCELLING, JobState.DONE, JobState.FAILED, JobState.CANCELLED}),
    JobState.CANCELLING: frozenset({JobState.CANCELLED, JobState.DONE}),
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset({JobState.QUEUED, JobState.RUNNING}),  # retry
    JobState.CANCELLED: frozenset({JobState.QUEUED, JobState.RUNNING}),  # retry
}

BLOCK_MOVES: dict[BlockState, frozenset[BlockState]] = {
    BlockState.WAITING: frozenset({BlockState.READY, BlockState.CANCELLED}),
    BlockState.READY: frozenset({BlockState.RUNNING, BlockState.CANCELLED}),
    BlockState.RUNNING: frozenset({BlockState.DONE, BlockState.FAILED, BlockState.READY, BlockState.CANCELLED}),
    BlockState.DONE: frozenset(),
    BlockState.FAILED: frozenset({BlockState.READY, BlockState.WAITING}),  # retry
    BlockState.CANCELLED: frozenset({BlockState.READY, BlockState.WAITING}),  # retry
}

MENDING_JOB_MOVES = {
    JobState.DONE: frozenset({JobState.QUEUED, JobState.RUNNING}),
    JobState.QUEUED: frozenset({JobState.DONE}),
}
"""Allowed as well while `holonomy.mending` is on."""
MENDING_BLOCK_MOVES = {
    BlockState.DONE: frozenset({BlockState.READY, BlockState.WAITING}),
    BlockState.READY: frozenset({BlockState.DONE}),
    BlockState.WAITING: frozenset({BlockState.DONE}),
    BlockState.FAILED: frozenset({BlockState.DONE}),
    BlockState.CANCELLED: frozenset({BlockState.DONE}),
}
"""Allowed as well while `holonomy.mending` is on."""
