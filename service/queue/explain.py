"""Says why jobs do not run, in `jobs.reason`."""

from typing import Any

from sqlalchemy import Connection, text

from schemas.states import JobState
from service.planner.plan import Cluster
from service.queue.dispatchers import cluster
from service.queue.failures import UNAVAILABLE

NO_DISPATCHER = "no dispatcher alive"

_UNFINISHED = text("""
    select j.id, j.state, j.reason, j.max_running,
           (select count(*) from blocks b where b.job_id = j.id and b.state = 'running') as running,
           parent.id as parent_id, parent.state as parent_state,
           next.reason as block_reason, next.message as message, next.device as device,
           extract(epoch from next.ready_at - clock_timestamp()) as wait_seconds,
           last.reason as last_reason, last.message as last_message,
           extract(epoch from last.ready_at - clock_timestamp()) as last_wait_seconds
    from jobs j
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
    where j.state in ('queued', 'running', 'cancelling')
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
        return "waiting to be planned"
    if row.max_running is not None and row.running >= row.max_running:
        return f"concurrency limit {row.running}/{row.max_running}"
    if row.running or row.device is None:
        return None
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
