"""Which queued jobs may be planned: those whose parents have ended, where sweep and project let another job run.

Jobs that run or are being cancelled count. A child that waits for its parents does not: were it counted, it could
keep the place that the training run it waits for needs.
"""

from typing import Any

from sqlalchemy import Connection, TextClause, text

from service.queue.groups import each_group

MOST_AT_ONCE = 100
"""Jobs told at once."""

_OF_SWEEP = "select count(*) from jobs where sweep_id = s.id and state in ('running', 'cancelling')"
_OF_PROJECT = "select count(*) from jobs where project = p.name and state in ('running', 'cancelling')"

# Where a limit is not set, `case` leaves the counting out, and the null is passed over by `least`.
PLANNABLE = f"""
    with recursive {each_group("state = 'queued'")}, limits as materialized (
        select name, max_running_jobs - case when max_running_jobs is not null then ({_OF_PROJECT}) end as room
        from projects p
    ), rooms as materialized (
        select g.project, g.sweep, limits.room as of_project,
               s.max_running_jobs - case when s.max_running_jobs is not null then ({_OF_SWEEP}) end as of_sweep
        from groups g join limits on limits.name = g.project left join sweeps s on s.id = g.sweep
    ), candidates as (
        select rooms.project, rooms.of_project, first.*
        from rooms cross join lateral (
            select j.id, j.priority from jobs j
            where j.state = 'queued' and j.project = rooms.project and coalesce(j.sweep_id, 0) = rooms.sweep
              and not exists (
                  select from job_parents l join jobs parent on parent.id = l.parent_id
                  where l.job_id = j.id and parent.state not in ('done', 'failed', 'cancelled')
              )
            order by j.priority desc, j.id limit least(:limit, rooms.of_sweep, rooms.of_project)
        ) first
        where coalesce(rooms.of_sweep, 1) > 0 and coalesce(rooms.of_project, 1) > 0
    ), placed as (
        select *, row_number() over (partition by project order by priority desc, id) as place from candidates
    )
    select id from placed where place <= coalesce(of_project, place) order by priority desc, id limit :limit
"""  # noqa: S608 - constants only
_PLANNABLE = text(PLANNABLE)

_LIMITED = text("""
    select j.project, j.sweep_id,
           p.max_running_jobs is not null as by_project, s.max_running_jobs is not null as by_sweep
    from jobs j join projects p on p.name = j.project left join sweeps s on s.id = j.sweep_id where j.id = :job
""")
_LOCK_SWEEP = text("select max_running_jobs from sweeps where id = :sweep for no key update skip locked")
_LOCK_PROJECT = text("select max_running_jobs from projects where name = :project for no key update skip locked")
_IN_SWEEP = text("select count(*) from jobs where sweep_id = :sweep and state in ('running', 'cancelling')")
_IN_PROJECT = text("select count(*) from jobs where project = :project and state in ('running', 'cancelling')")


def plannable(connection: Connection) -> list[int]:
    """The next jobs to be planned, highest priority first, then oldest; `admitted` says of each whether it still may.

    A sweep or project that is full hides no other job.
    """
    return list(connection.execute(_PLANNABLE, {"limit": MOST_AT_ONCE}).scalars())


def admitted(connection: Connection, job_id: int) -> bool:
    """Whether sweep and project have room for another job; nobody else takes it until this transaction ends.

    False as well while another process is using up the same limit. To be asked before the job is locked.
    """
    limited = connection.execute(_LIMITED, {"job": job_id}).one_or_none()
    if limited is None:
        return False
    if limited.by_project and not _room(connection, _LOCK_PROJECT, _IN_PROJECT, {"project": limited.project}):
        return False
    return not limited.by_sweep or _room(connection, _LOCK_SWEEP, _IN_SWEEP, {"sweep": limited.sweep_id})


def _room(connection: Connection, lock: TextClause, count: TextClause, values: dict[str, Any]) -> bool:
    # Counted by a statement of its own, which sees what the holder of the lock before has committed.
    limit = connection.execute(lock, values).one_or_none()
    if limit is None:
        return False
    return limit.max_running_jobs is None or connection.execute(count, values).scalar_one() < limit.max_running_jobs
