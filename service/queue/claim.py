"""Claims ready blocks under a lease.

A claim never waits for a lock (SKIP LOCKED throughout), so it takes part in no deadlock and costs a millisecond.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, text

from schemas.blocks import BlockError
from service.queue.commit import Broken, commit
from service.queue.inputs import InputMissing, resolve

# Jobs with a concurrency limit are claimed from under their row's lock, so that two claimers cannot both see the last
# free place. A claimer that finds the row locked leaves the job to the other.
_CAPPED = text("""
    select id, max_running from jobs where max_running is not null and state = 'running'
    order by id for no key update skip locked
""")

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
FREE = f"""
    with any_device as (
        select id, priority from blocks
        where state = 'ready' and not capped and device = 'any' and ready_at <= clock_timestamp()
        order by priority desc, id limit :limit for update skip locked
    ), own_device as (
        select id, priority from blocks
        where state = 'ready' and not capped and device = :device and ready_at <= clock_timestamp()
        order by priority desc, id limit :limit for update skip locked
    ), taken as (
        select id from (select * from any_device union all select * from own_device) as both_devices
        order by priority desc, id limit :limit
    )
    {_TAKE}
"""  # noqa: S608 - constants only
_FREE = text(FREE)

_WITHIN = text(f"""
    with room as (
        select greatest(0, :most - count(*)) as places from blocks where job_id = :job and state = 'running'
    ), taken as (
        select id from blocks
        where job_id = :job and state = 'ready' and capped and device in ('any', :device)
          and ready_at <= clock_timestamp()
        order by priority desc, id limit least(:limit, (select places from room)) for update skip locked
    )
    {_TAKE}
""")  # noqa: S608 - constants only

_SPECS = text("select id, digest, spec::text as spec, started_at from jobs where id = any(:jobs)")
_STARTED = text("""
    update jobs set started_at = clock_timestamp(), reason = null
    where id in (
        select id from jobs where id = any(:jobs) and started_at is null order by id for no key update skip locked
    )
""")


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

    Args:
        connection: In a transaction of its own, committed at once.
        holder: Dispatcher id, shown with the block.
        device: Device of the free slots.
        limit: Most blocks to take.
        lease_seconds: How long they are held without a renewal.
    """
    if limit < 1:
        return []
    values = {"holder": holder, "device": device, "lease": lease_seconds}
    capped = connection.execute(_CAPPED).all()
    rows = list(connection.execute(_FREE, values | {"limit": limit}))
    for job in capped:
        within = {"job": job.id, "most": job.max_running, "limit": limit}
        rows += connection.execute(_WITHIN, values | within)
    return _described(connection, sorted(rows, key=lambda row: (-row.priority, row.id))) if rows else []


def _described(connection: Connection, rows: list[Any]) -> list[Claimed]:
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


def _give_up(connection: Connection, rows: list[Any], inputs: Mapping[int, str | InputMissing]) -> None:
    """Blocks whose inputs are gone fail as any other block does, with the reason."""
    broken = [
        Broken(row.id, row.job_id, row.lease_token, BlockError(kind="internal", message=str(missing)))
        for row in rows
        if isinstance(missing := inputs.get(row.id), InputMissing)
    ]
    if broken:
        commit(connection, broken)
