"""Which blocks may start although the jobs, sweeps or projects they belong to limit how many run.

What runs is counted from the live leases each time, so that no count can go wrong. Counting and taking have to be one
step: one claimer at a time takes capped blocks, and another leaves them to it for this round.
"""

from typing import Literal

from sqlalchemy import Connection, text

from service.queue.groups import each_group

_CAPPED_JOBS = "capped and state = 'running'"
_LOCK = 0x686F6C6F6E6F6D79
"""Number of the advisory lock of the one claimer, held until its claim is committed."""

# A statement of its own: what follows the lock must see what the claimer before has committed.
_TURN = text(f"""
    select exists (select from jobs where {_CAPPED_JOBS}) and pg_try_advisory_xact_lock(:lock)
""")  # noqa: S608 - constants only

# Groups with room left, the first blocks of each in order (no more of a job or sweep than it has room for), and of
# those no more of a project than it has room for. Jobs, sweeps and projects lie within one another: so this is what
# going through all blocks in order, and taking each that every limit allows, would give. A limit that is not set is
# null, which `least` passes over.
STARTABLE = f"""
    with recursive {each_group(_CAPPED_JOBS)}, held as materialized (
        select j.project, coalesce(j.sweep_id, 0) as sweep, count(*) as running
        from blocks b join jobs j on j.id = b.job_id
        where b.state = 'running' and b.capped group by 1, 2
    ), rooms as materialized (
        select g.project, g.sweep,
               s.max_running_blocks
                   - (select coalesce(sum(running), 0) from held where held.sweep = g.sweep) as of_sweep,
               p.max_running_blocks
                   - (select coalesce(sum(running), 0) from held where held.project = g.project) as of_project
        from groups g join projects p on p.name = g.project left join sweeps s on s.id = g.sweep
    ), candidates as (
        select rooms.project, rooms.of_project, first.*
        from rooms cross join lateral (
            select b.id, j.priority, j.id as job_id
            from jobs j cross join lateral (
                select id from (
                    (select id, priority from blocks
                     where job_id = j.id and state = 'ready' and capped and device = 'any'
                       and ready_at <= clock_timestamp()
                     order by priority desc, id limit :limit)
                    union all
                    (select id, priority from blocks
                     where job_id = j.id and state = 'ready' and capped and device = :device
                       and ready_at <= clock_timestamp()
                     order by priority desc, id limit :limit)
                ) both_devices
                order by priority desc, id
                limit greatest(0, least(:limit, j.max_running - case when j.max_running is not null then (
                    select count(*) from blocks where job_id = j.id and state = 'running'
                ) end))
            ) b
            where {_CAPPED_JOBS}
              and j.project = rooms.project and coalesce(j.sweep_id, 0) = rooms.sweep
            order by j.priority desc, j.id, b.id limit least(:limit, rooms.of_sweep, rooms.of_project)
        ) first
        where coalesce(rooms.of_sweep, 1) > 0 and coalesce(rooms.of_project, 1) > 0
    ), placed as (
        select *, row_number() over (partition by project order by priority desc, job_id, id) as place
        from candidates
    )
    select id from placed where place <= coalesce(of_project, place)
    order by priority desc, job_id, id limit :limit
"""  # noqa: S608 - constants only
_STARTABLE = text(STARTABLE)


def startable(connection: Connection, device: Literal["cpu", "cuda"], limit: int) -> list[int]:
    """Up to `limit` ready blocks of limited jobs that may start on `device`; none while another claimer takes some.

    Nobody else takes any until this transaction ends. They are not locked: some may be gone when they are taken.
    """
    if not connection.execute(_TURN, {"lock": _LOCK}).scalar_one():
        return []
    return list(connection.execute(_STARTABLE, {"device": device, "limit": limit}).scalars())
