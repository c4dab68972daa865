"""Moves a job on after its blocks moved: the next phase, done, failed, cancelled. All under the job row's lock."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, TextClause, text

from schemas.blocks import BlockError
from schemas.states import JobState
from service.queue.events import Line, write
from service.queue.mending import give_up

_LOCK = text("""
    select id, state, phase, phase_end, blocks_total, blocks_done, plan -> 'costs' as costs
    from jobs where id = any(:jobs) order by id for no key update
""")
_COUNT = text("update jobs set blocks_done = blocks_done + :done where id = :job")
_OPEN = text("""
    update blocks set state = 'ready', reason = null, ready_at = clock_timestamp()
    where job_id = :job and phase = :phase and state = 'waiting' and seq >= :start and seq < :stop
""")
# A block that was running when its job failed may run on while that is retried.
_NEXT = text("""
    select (select min(phase) from blocks where job_id = :job and state = 'waiting') as phase,
           (select count(*) from blocks where job_id = :job and state = 'running') as at_work
""")
_ADVANCE = text("update jobs set phase = :phase, phase_end = :end where id = :job")
_END = text("""
    update jobs set state = :state, finished_at = clock_timestamp(), reason = :reason, error = cast(:error as jsonb)
    where id = :job
""")
_STOP_QUEUED = text("""
    update blocks set state = 'cancelled', reason = :reason, finished_at = clock_timestamp()
    where job_id = :job and state in ('ready', 'waiting') and seq >= :start and seq < :stop
""")
_TOTAL = text("select blocks_total from jobs where id = :job")
_COMPLETE = text("select blocks_total > 0 and blocks_done = blocks_total from jobs where id = :job")
_RUNNING = text("select exists (select from blocks where job_id = :job and state = 'running')")
# A statement changes this many blocks, so that the statement timeout is one of a piece and not of a whole large job.
_PIECE = 20_000


@dataclass(frozen=True)
class LockedJob:
    """A job row under lock."""

    id: int
    state: JobState
    phase: int
    phase_end: int
    blocks_total: int
    blocks_done: int
    costs: dict[str, str]

    @property
    def stopping(self) -> bool:
        """Whether nothing of it should run again."""
        return self.state is not JobState.RUNNING


def lock(connection: Connection, job_ids: Iterable[int]) -> dict[int, LockedJob]:
    """Lock job rows in the order of their ids: whoever locks several does so in that order, so nobody deadlocks."""
    rows = connection.execute(_LOCK, {"jobs": sorted(job_ids)})
    return {row.id: _locked(row) for row in rows}


def settle(connection: Connection, job: LockedJob, *, done: int, failure: BlockError | None = None) -> None:
    """Count `done` more blocks of a locked job and draw the consequences; `failure` is that of a failed block."""
    total = job.blocks_done + done
    if done:
        connection.execute(_COUNT, {"job": job.id, "done": done})
    match job.state:
        case JobState.RUNNING if failure is not None:
            fail(connection, job.id, failure)
        case JobState.RUNNING if total == job.blocks_total:
            _end(connection, job.id, JobState.DONE)
        case JobState.RUNNING if total == job.phase_end:
            open_next(connection, job.id, done=total)
        case JobState.CANCELLING:
            if total == job.blocks_total:
                _end(connection, job.id, JobState.DONE)
            elif not connection.execute(_RUNNING, {"job": job.id}).scalar_one():
                _end(connection, job.id, JobState.CANCELLED, "cancelled")
        case _:
            pass


def open_next(connection: Connection, job_id: int, *, done: int) -> None:
    """Make the earliest phase of a locked job that waits ready; `done` blocks of the job are done.

    Phases without a block that waits are passed over: of a job that is mended few run again.
    """
    phase, at_work = connection.execute(_NEXT, {"job": job_id}).one()
    if phase is not None:
        opened = in_pieces(connection, _OPEN, job_id, phase=phase)
        connection.execute(_ADVANCE, {"job": job_id, "phase": phase, "end": done + at_work + opened})


def finish(connection: Connection, job_id: int) -> bool:
    """End a locked job as done if all its blocks are; whether they are."""
    complete = bool(connection.execute(_COMPLETE, {"job": job_id}).scalar_one())
    if complete:
        _end(connection, job_id, JobState.DONE)
    return complete


def fail(connection: Connection, job_id: int, error: BlockError) -> None:
    """End a locked job as failed, and what it had queued with it."""
    _end(connection, job_id, JobState.FAILED, error.message, error)
    stop_queued(connection, job_id, "its job failed")


def stop_queued(connection: Connection, job_id: int, reason: str) -> None:
    """Cancel every block that does not run; those that were mended are as done as they were before."""
    connection.execute(_COUNT, {"job": job_id, "done": give_up(connection, job_id)})
    in_pieces(connection, _STOP_QUEUED, job_id, reason=reason)


def in_pieces(connection: Connection, statement: TextClause, job_id: int, **values: Any) -> int:
    """Execute a statement about the blocks of a job with `seq` in [start, stop), piece by piece; the rows changed."""
    total = connection.execute(_TOTAL, {"job": job_id}).scalar_one()
    return sum(
        connection.execute(statement, {"job": job_id, "start": start, "stop": start + _PIECE, **values}).rowcount
        for start in range(0, total, _PIECE)
    )


def _end(
    connection: Connection, job_id: int, state: JobState, reason: str | None = None, error: BlockError | None = None
) -> None:
    values = {"job": job_id, "state": state.value, "reason": reason, "error": error and error.model_dump_json()}
    connection.execute(_END, values)
    level = "error" if state is JobState.FAILED else "info"
    write(connection, [Line(job_id, f"job {state.value}" + (f": {error.message}" if error else ""), level)])


def _locked(row: Any) -> LockedJob:
    return LockedJob(
        id=row.id,
        state=JobState(row.state),
        phase=row.phase,
        phase_end=row.phase_end,
        blocks_total=row.blocks_total,
        blocks_done=row.blocks_done,
        costs=row.costs or {},
    )
