"""Claims ready blocks under a lease.

A claim never waits for a lock (SKIP LOCKED throughout), so it takes part in no deadlock and costs a millisecond.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, text

from schemas.blocks import BlockError
from service.queue.capped import startable
from service.queue.commit import Broken, commit
from service.queue.inputs import InputMissing, resolve

_TAKE = """
    update blocks b
    set state = 'running', lease_token = gen_random_uuid(), leased_by = :holder, leased_on = :device,
        lease_until = clock_timestamp() + make_interval(secs => :lease), started_at = clock_timestamp(),
        runs = b.runs + 1, reason = null
    from taken where b.id = taken.id
    returning b.id, b.job_id, b.kind, b.payload::text as payload,
              nullif(b.needs, '[]') as needs, b.runs, b.lease_token, b.shrink, b.timeout_seconds,
              b.priority
"""

# One scan per device value, each along the index (device, priority desc, id), rather than one filtered scan: a
# million blocks for absent GPUs must not stand in the way of a CPU claim.
_FREE = """
    any_device as (
        select id, priority from blocks
        where state = 'ready' and not capped and device = 'any' and ready_at <= clock_timestamp()
        order by priority desc, id limit :limit for update skip locked
    ), own_device as (
        select id, priority from blocks
        where state = 'ready' and not capped and device = :device and ready_at <= clock_timestamp()
        order by priority desc, id limit :limit for update skip locked
    )
"""
_FIRST = "order by priority desc, id limit :limit"
FREE = f"""
    with {_FREE}, taken as (
        select id from (table any_device union all table own_device) as free {_FIRST}
    )
    {_TAKE}
"""  # noqa: S608 - constants only
FREE_AND_CAPPED = f"""
    with {_FREE}, startable as (
        select id, priority from blocks
        where id = any(:capped) and state = 'ready' and capped
        order by id for update skip locked
    ), taken as (
        select id from (table any_device union all table own_device union all table startable) as free_and_capped
        {_FIRST}
    )
    {_TAKE}
"""  # noqa: S608 - constants only

_SPECS = text("select id, digest, spec::text as spec, started_at from jobs where id = any(:jobs)")
_STARTED = text("""
    update jobs set started_at = clock_timestamp(), reason = null
    where id in (
        select id from jobs where id = any(:jobs) and started_at is null order by id for no key update skip locked
    )
""")
# Whoever holds a job may be waiting for the blocks that were just taken.
_NOT_HELD = text("select id from jobs where id = any(:jobs) order by id for no key update skip locked")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A block under a lease, with everything that a worker needs."""

    block_id: int
    job_id: int
    digest: str
    kind: str
    spec_json: str
    payload_json: str
    inputs_json: str
    run: int
    token: UUID
    shrink: int
    timeout_seconds: float | None


def claim(
    connection: Connection, *, holder: str, device: Literal["cpu", "cuda"], limit: int, lease_seconds: float
) -> list[Claimed]:
    """Take up to `limit` ready blocks that run on `device`, highest priority first, then oldest.

    Blocks of jobs that are limited, by themselves, their sweep or their project, count among them.

    Args:
        connection: In a transaction of its own, committed at once.
        holder: Dispatcher id, shown with the block.
        device: Device of the free slots.
        limit: Most blocks to take.
        lease_seconds: How long they are held without a renewal.
    """
    if limit < 1:
        return []
    values = {"holder": holder, "device": device, "lease": lease_seconds, "limit": limit}
    capped = startable(connection, device, limit)
    statement, values = (FREE_AND_CAPPED, values | {"capped": capped}) if capped else (FREE, values)
    rows = connection.execute(text(statement), values).all()
    return _described(connection, sorted(rows, key=lambda row: (-row.priority, row.id))) if rows else []


def _described(connection: Connection, rows: Sequence[Any]) -> list[Claimed]:
    job_ids = sorted({row.job_id for row in rows})
    specs = {row.id: row for row in connection.execute(_SPECS, {"jobs": job_ids})}
    if any(spec.started_at is None for spec in specs.values()):
        connection.execute(_STARTED, {"jobs": job_ids})
    inputs = resolve(connection, {row.id: row.needs for row in rows if row.needs})
    _give_up(connection, rows, inputs)
    return [
        Claimed(
            block_id=row.id,
            job_id=row.job_id,
            digest=specs[row.job_id].digest,
            kind=row.kind,
            spec_json=specs[row.job_id].spec,
            payload_json=row.payload,
            inputs_json=found,
            run=row.runs,
            token=row.lease_token,
            shrink=row.shrink,
            timeout_seconds=row.timeout_seconds,
        )
        for row in rows
        if isinstance(found := inputs.get(row.id, "[]"), str)
    ]


def _give_up(connection: Connection, rows: Sequence[Any], inputs: Mapping[int, str | InputMissing]) -> None:
    """Blocks whose inputs are gone fail as any other block does, with the reason.

    Those of jobs that somebody holds are left to their leases: they are taken again once these have lapsed.
    """
    broken = [
        Broken(row.id, row.job_id, row.lease_token, BlockError(kind="internal", message=str(missing)))
        for row in rows
        if isinstance(missing := inputs.get(row.id), InputMissing)
    ]
    if broken:
        jobs = connection.execute(_NOT_HELD, {"jobs": [outcome.job_id for outcome in broken]}).scalars().all()
        commit(connection, [outcome for outcome in broken if outcome.job_id in jobs])
