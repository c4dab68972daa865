"""Cancel: one update for everything queued, a flag for what runs, and an end to waiting after a grace period."""

from sqlalchemy import Connection, text

from schemas.states import TERMINAL_JOBS, BlockState, JobState
from service.errors import Missing
from service.queue.events import Line, write
from service.queue.settle import finish, lock, settle, stop_queued

# The job, and its implicit parents that no other unfinished job needs.
_FAMILY = text("""
    select id from jobs where id = :job
    union
    select p.id from job_parents l join jobs p on p.id = l.parent_id
    where l.job_id = :job and p.implicit and not exists (
        select from job_parents others join jobs o on o.id = others.job_id
        where others.parent_id = p.id and others.job_id <> :job and o.state in ('queued', 'running')
    )
""")
_REQUEST = text("""
    update jobs set state = :state, cancel_requested_at = clock_timestamp(), reason = :reason,
        finished_at = case when :state = 'cancelled' then clock_timestamp() end
    where id = :job
""")
_RUNNING = text("select count(*) from blocks where job_id = :job and state = 'running'")
_OVERDUE = text("""
    select id from jobs
    where state = 'cancelling' and cancel_requested_at < clock_timestamp() - make_interval(secs => :grace)
    order by id
""")
_KILL = text("""
    update blocks set state = case when mending then 'done' else 'cancelled' end,
        reason = case when not mending then 'killed after the grace period' end, mending = false,
        lease_token = null, lease_until = null, finished_at = clock_timestamp()
    where job_id = :job and state = 'running'
    returning state
""")


def cancel(connection: Connection, job_id: int) -> JobState:
    """Cancel a job, and implicit parents that nobody else needs; the job's state afterwards.

    What is queued is cancelled at once. Running blocks are told at their next heartbeat, and the job is `cancelling`
    until they stopped. A job that has ended stays as it is, and one that was being mended is done as before.

    Raises:
        Missing: there is no such job.
    """
    family = connection.execute(_FAMILY, {"job": job_id}).scalars().all()
    jobs = lock(connection, family)
    if job_id not in jobs:
        raise Missing("unknown_job", f"there is no job {job_id}")
    for member, job in jobs.items():
        if job.state not in TERMINAL_JOBS | {JobState.CANCELLING}:
            cancel_locked(connection, member)
    return lock(connection, [job_id])[job_id].state


def end_overdue(connection: Connection, grace_seconds: float) -> int:
    """End the blocks that still run after the grace period; how many. Their holders find the lease lost."""
    ended = 0
    for job in lock(connection, connection.execute(_OVERDUE, {"grace": grace_seconds}).scalars().all()).values():
        if job.state is JobState.CANCELLING:
            killed = connection.execute(_KILL, {"job": job.id}).scalars().all()
            ended += len(killed)
            settle(connection, job, done=killed.count(BlockState.DONE))
    return ended


def cancel_locked(connection: Connection, job_id: int) -> None:
    """Cancel a locked job that has not ended."""
    stop_queued(connection, job_id, "its job was cancelled")
    if finish(connection, job_id):
        return
    running = connection.execute(_RUNNING, {"job": job_id}).scalar_one()
    state = JobState.CANCELLING if running else JobState.CANCELLED
    reason = f"{running} blocks still running" if running else "cancelled"
    connection.execute(_REQUEST, {"job": job_id, "state": state.value, "reason": reason})
    write(connection, [Line(job_id, "cancel requested" if running else "job cancelled", "warning")])
