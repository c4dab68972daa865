"""Gives blocks back that were claimed and not started: nothing is counted against them."""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection, text

from schemas.states import BlockState
from service.queue.settle import lock, settle

_JOBS = text("select distinct job_id from blocks where id = any(:ids)")
# A block of a job that is being cancelled, or has failed, is not made ready again; one that was mended is done still.
_RELEASE = text("""
    with held as (
        select b.id,
               case when j.state = 'running' then 'ready' when b.mending then 'done' else 'cancelled' end as state
        from unnest(cast(:ids as bigint[]), cast(:tokens as uuid[])) as v(id, token)
        join blocks b on b.id = v.id join jobs j on j.id = b.job_id
        where b.state = 'running' and b.lease_token = v.token
        order by b.id for no key update of b
    )
    update blocks b
    set state = held.state, mending = b.mending and held.state = 'ready',
        reason = case when held.state = 'cancelled' then 'its job stopped' end,
        finished_at = case when held.state <> 'ready' then clock_timestamp() end,
        lease_token = null, lease_until = null, leased_by = null
    from held where b.id = held.id
    returning b.job_id, b.state
""")


def release(connection: Connection, tokens: Mapping[int, UUID]) -> int:
    """Make held blocks ready again, those of stopping jobs cancelled; how many were still held.

    Args:
        connection: In a transaction of its own, committed at once.
        tokens: Lease token by block id.
    """
    ids = list(tokens)
    jobs = lock(connection, connection.execute(_JOBS, {"ids": ids}).scalars())
    values = {"ids": ids, "tokens": [str(token) for token in tokens.values()]}
    released = connection.execute(_RELEASE, values).all()
    done = Counter(row.job_id for row in released if row.state == BlockState.DONE)
    for job_id in sorted(jobs):
        settle(connection, jobs[job_id], done=done[job_id])
    return len(released)
