"""Retry: failed and cancelled jobs run again from where they stopped. What was committed stays."""

from sqlalchemy import Connection, text

from schemas.states import JobState
from service.errors import Conflict, Missing
from service.queue.caps import recap_job
from service.queue.events import Line, write
from service.queue.mending import mend_for_rest
from service.queue.settle import in_pieces, open_next
from service.queue.sweeps.members import reopen

_FAMILY = text("""
    select id, state from jobs
    where id = :job or id in (select parent_id from job_parents where job_id = :job)
    order by id for no key update
""")
_BLOCKS = text("""
    update blocks b
    set state = 'waiting', reason = 'waiting for an earlier phase',
        attempts = 0, lost = 0, waits = 0, shrink = 0, error = null, finished_at = null
    where b.job_id = :job and b.state in ('failed', 'cancelled') and b.seq >= :start and b.seq < :stop
""")
# A job that ended before it was planned is planned again, and one of a sweep or project that limits how many jobs run
# waits for its turn. One for which objects are computed again waits until its parents have them.
_JOB = text("""
    update jobs j set state = case
            when :waits or j.blocks_total = 0 or coalesce(s.max_running_jobs, p.max_running_jobs) is not null
                then 'queued' else 'running'
        end, finished_at = null, error = null, reason = null, cancel_requested_at = null
    from jobs same join projects p on p.name = same.project left join sweeps s on s.id = same.sweep_id
    where j.id = :job and same.id = j.id returning j.state
""")
_DONE = text("select blocks_done from jobs where id = :job")
_RUN = text("update jobs set state = 'running', reason = null where id = :job")


def retry(connection: Connection, job_id: int) -> None:
    """Run a failed or cancelled job again, and those of its parents that failed or were cancelled.

    Raises:
        Missing: there is no such job.
        Conflict: it is neither failed nor cancelled.
    """
    family = {row.id: JobState(row.state) for row in connection.execute(_FAMILY, {"job": job_id})}
    state = family.get(job_id)
    if state is None:
        raise Missing("unknown_job", f"there is no job {job_id}")
    if state not in {JobState.FAILED, JobState.CANCELLED}:
        raise Conflict(
            "not_retryable", f"only failed and cancelled jobs can be retried; job {job_id} is {state.value}"
        )
    for member, its_state in family.items():
        if its_state in {JobState.FAILED, JobState.CANCELLED}:
            revive(connection, member)


def revive(connection: Connection, job_id: int) -> None:
    """Put a locked failed or cancelled job back: in the queue if it has to wait for its turn, or else at work.

    What its unfinished blocks need and retention has dropped is computed again first.
    """
    waits = mend_for_rest(connection, job_id)
    if connection.execute(_JOB, {"job": job_id, "waits": waits}).scalar_one() == JobState.RUNNING:
        _put_back(connection, job_id)
    reopen(connection, [job_id])
    write(connection, [Line(job_id, "runs again from where it stopped")])


def resume(connection: Connection, job_id: int) -> None:
    """Run a locked queued job that was planned before."""
    connection.execute(_RUN, {"job": job_id})
    _put_back(connection, job_id)


def _put_back(connection: Connection, job_id: int) -> None:
    """Its unfinished blocks are ready again, with fresh counters."""
    recap_job(connection, job_id)
    in_pieces(connection, _BLOCKS, job_id)
    done = connection.execute(_DONE, {"job": job_id}).scalar_one()
    open_next(connection, job_id, done=done)
