"""States of jobs and blocks, and the only moves between them.

Terminal states are left by an explicit `retry` alone, never by a worker, a lease or a rescuer.
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


TERMINAL_JOBS = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
TERMINAL_BLOCKS = frozenset({BlockState.DONE, BlockState.FAILED, BlockState.CANCELLED})

JOB_MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.FAILED, JobState.CANCELLED}),
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
