"""Says why jobs do not run, in `jobs.reason`."""

from typing import Any

from sqlalchemy import Connection, text

from schemas.states import JobState
from service.planner.plan import Cluster
from service.queue.dispatchers import cluster
from service.queue.failures import UNAVAILABLE

NO_DISPATCHER = "no dispatcher alive"

# Thousands of jobs may wait behind one limit: those that already say so are left out before anything is looked up.
# While less runs than the limit allows, the first of them are up next, and the others keep what they say: the place
# is taken again in a moment, and writing all of them twice for each job that ends would be most of the work.
_UNFINISHED = text("""
    with held as materialized (
        select j.id as job_id, j.project, j.sweep_id, count(*) as running
        from blocks b join jobs j on j.id = b.job_id where b.state = 'running' group by j.id
    ), limits as materialized (
        select 'queued' as state, 'jobs' as what, format('sweep %s', s.id) as whose, s.id as sweep_id,
               null as project, s.max_running_jobs as most, (
                   select count(*) from jobs j where j.sweep_id = s.id and j.state in ('running', 'cancelling')
               ) as running
        from sweeps s where s.finished_at is null and s.max_running_jobs is not null
        union all
        select 'running', 'blocks', format('sweep %s', s.id), s.id, null, s.max_running_blocks,
               (select coalesce(sum(held.running), 0) from held where held.sweep_id = s.id)
        from sweeps s where s.finished_at is null and s.max_running_blocks is not null
        union all
        select 'queued', 'jobs', format('project %s', p.name), null, p.name, p.max_running_jobs, (
                   select count(*) from jobs j where j.project = p.name and j.state in ('running', 'cancelling')
               )
        from projects p where p.max_running_jobs is not null
        union all
        select 'running', 'blocks', format('project %s', p.name), null, p.name, p.max_running_blocks,
               (select coalesce(sum(held.running), 0) from held where held.project = p.name)
        from projects p where p.max_running_blocks is not null
    ), told as materialized (
        select *, most - running as room,
               format('%s runs %s of at most %s %s', whose, greatest(running, most), most, what) as reason
        from limits where running > 0
    ), placed as (
        select j.id, j.priority, j.state, j.reason, j.max_running, coalesce(held.running, 0) as running,
               case when of_sweep.room <= 0 then of_sweep.reason when of_project.room <= 0 then of_project.reason end
                   as limit_reason,
               case j.reason when of_sweep.reason then of_sweep.room when of_project.reason then of_project.room end
                   as room
        from jobs j
        left join held on held.job_id = j.id
        left join told of_sweep on of_sweep.sweep_id = j.sweep_id and of_sweep.state = j.state
        left join told of_project on of_project.project = j.project and of_project.state = j.state
        where j.state in ('queued', 'running', 'cancelling')
    ), unfinished as materialized (
        select * from (
            select *, row_number() over (partition by reason order by priority desc, id) as place from placed
        ) as ordered
        where room is null or running > 0 or max_running is not null
           or (limit_reason is not null and reason <> limit_reason) or (limit_reason is null and place <= room)
    )
    select j.id, j.state, j.reason, j.max_running, j.running, j.limit_reason,
           parent.id as parent_id, parent.state as parent_state,
           next.reason as block_reason, next.message as message, next.device as device,
           extract(epoch from next.ready_at - clock_timestamp()) as wait_seconds,
           last.reason as last_reason, last.message as last_message,
           extract(epoch from last.ready_at - clock_timestamp()) as last_wait_seconds
    from unfinished j
    left join lateral (
        select p.id, p.state from job_parents l join jobs p on p.id = l.parent_id
        where l.job_id = j.id and j.state = 'queued' and p.state <> 'done' order by p.id limit 1
    ) parent on true
    left join lateral (
        select b.reason, b.error ->> 'message' as message, b.device, b.ready_at from blocks b
        where b.job_id = j.id and b.state = 'ready' order by b.ready_at limit 1
    ) next on true
    left join lateral (
        select b.reason, b.error ->> 'message' as message, b.ready_at from blocks b
        where b.job_id = j.id and b.state = 'ready' order by b.ready_at desc limit 1
    ) last on true
    order by j.id
""")
# Rows under another's lock are moving, so that their reason would be stale at once.
_WRITE = text("""
    update jobs j set reason = v.reason
    from unnest(cast(:ids as bigint[]), cast(:states as text[]), cast(:reasons as text[])) as v(id, state, reason)
    where j.id = v.id and j.id in (
        select id from jobs where id = any(cast(:ids as bigint[])) order by id for no key update skip locked
    ) and j.state = v.state
""")


def explain(connection: Connection) -> int:
    """Write the reason of every unfinished job where it changed; how many did."""
    available = cluster(connection)
    changed = [
        (row.id, row.state, reason)
        for row in connection.execute(_UNFINISHED)
        if (reason := _reason(row, available)) != row.reason
    ]
    if changed:
        ids, states, reasons = zip(*changed, strict=True)
        connection.execute(_WRITE, {"ids": list(ids), "states": list(states), "reasons": list(reasons)})
    return len(changed)


def retry_reason(reason: str | None, message: str | None, wait_seconds: float) -> str | None:
    """`retry 2 of 3 in 14 s: …` for a block that will run again after a failure."""
    if reason is None:
        return None
    when = f" in {wait_seconds:.0f} s" if wait_seconds >= 1 else ""
    return f"{reason}{when}" + (f": {message}" if message else "")


def _reason(row: Any, available: Cluster | None) -> str | None:
    match JobState(row.state):
        case JobState.QUEUED if row.parent_id is not None:
            return f"waiting for parent {row.parent_id} ({row.parent_state})"
        case JobState.CANCELLING:
            return f"{row.running} blocks still running"
    if available is None:
        return NO_DISPATCHER
    if row.state == JobState.QUEUED:
        return row.limit_reason or "waiting to be planned"
    if row.max_running is not None and row.running >= row.max_running:
        return f"concurrency limit {row.running}/{row.max_running}"
    if row.running or row.device is None:
        return None
    if row.limit_reason is not None:
        return str(row.limit_reason)
    if row.wait_seconds > 0 or row.block_reason is not None:
        return retry_reason(row.block_reason, row.message, float(row.wait_seconds))
    return _no_slot(row, available)


def _no_slot(row: Any, available: Cluster) -> str | None:
    slots = {"cpu": available.cpu, "cuda": available.cuda}
    usable = sum(slots.values()) if row.device == "any" else slots[row.device]
    if usable == 0:
        return f"no {'worker' if row.device == 'any' else row.device + ' worker'}"
    if row.last_reason == UNAVAILABLE:
        # Untried blocks are ready, and yet none runs: what the last ones that were tried wait for stops them too.
        return retry_reason(row.last_reason, row.last_message, float(row.last_wait_seconds))
    return "waiting for a free worker slot"
