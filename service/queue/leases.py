"""Leases: renewed by heartbeat, rescued when they lapse; and the heartbeat of dispatchers themselves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, exc, text

from schemas.blocks import BlockError
from service.queue.failures import Tries
from service.queue.settle import LockedJob, lock, settle
from service.queue.verdicts import BrokenBlock, pass_verdicts

_logger = structlog.get_logger(__name__)

# A row under another's lock is being committed, perhaps for longer than a lease lasts: the others do not wait for it.
_RENEW = text("""
    with claimed as (
        select * from unnest(cast(:ids as bigint[]), cast(:tokens as uuid[])) as v(id, token)
    ), held as (
        select b.id from claimed v join blocks b on b.id = v.id
        where b.state = 'running' and b.lease_token = v.token
        order by b.id for no key update of b skip locked
    ), renewed as (
        update blocks b set lease_until = clock_timestamp() + make_interval(secs => :lease)
        from held where b.id = held.id
    )
    select b.id, j.state <> 'running' as stopping
    from claimed v join blocks b on b.id = v.id join jobs j on j.id = b.job_id
    where b.state = 'running' and b.lease_token = v.token
""")
_LAPSED = text("""
    select distinct job_id from blocks where state = 'running' and lease_until < clock_timestamp() order by job_id
""")
_LAPSED_OF_JOB = text("""
    select id, job_id, attempts, max_attempts, lost, waits, shrink, leased_by, mending from blocks
    where job_id = :job and state = 'running' and lease_until < clock_timestamp()
    order by id for no key update skip locked
""")
_BEAT = text("""
    insert into dispatchers (id, slots, busy) values (:id, cast(:slots as jsonb), cast(:busy as jsonb))
    on conflict (id) do update set heartbeat_at = clock_timestamp(), slots = excluded.slots, busy = excluded.busy
""")
_FORGET = text("delete from dispatchers where heartbeat_at < now() - interval '1 day'")


@dataclass(frozen=True)
class Renewal:
    """What a heartbeat found out, as block ids: leases that are lost, and blocks that should stop."""

    lost: frozenset[int]
    cancelled: frozenset[int]


def renew(connection: Connection, tokens: Mapping[int, UUID], lease_seconds: float) -> Renewal:
    """Extend the leases of the given blocks. A lapsed lease that nobody has taken over is renewed like any other."""
    if not tokens:
        return Renewal(frozenset(), frozenset())
    values = {"ids": list(tokens), "tokens": [str(token) for token in tokens.values()], "lease": lease_seconds}
    rows = connection.execute(_RENEW, values).all()
    return Renewal(
        lost=frozenset(tokens) - {row.id for row in rows},
        cancelled=frozenset(row.id for row in rows if row.stopping),
    )


def rescue(connection: Connection) -> int:
    """Take lapsed leases away, and make their blocks ready again; how many.

    A block whose row is locked is being committed and is left alone. A row that cannot be changed is logged and
    passed over: it stays as it is, and the others are rescued.
    """
    rescued = 0
    for job_id in connection.execute(_LAPSED).scalars().all():
        try:
            with connection.begin_nested():
                rescued += _rescue_job(connection, job_id)
        except (exc.DataError, exc.IntegrityError, exc.InternalError, exc.ProgrammingError):
            rescued += _rescue_one_by_one(connection, job_id)
    return rescued


def beat(connection: Connection, dispatcher_id: str, slots: Mapping[str, int], busy: Mapping[str, int]) -> None:
    """Say that a dispatcher lives, and what it has; forget those that have been silent for a day."""
    values = {"id": dispatcher_id, "slots": json.dumps(dict(slots)), "busy": json.dumps(dict(busy))}
    connection.execute(_BEAT, values)
    connection.execute(_FORGET)


def _rescue_job(connection: Connection, job_id: int) -> int:
    job = lock(connection, [job_id])[job_id]
    rows = connection.execute(_LAPSED_OF_JOB, {"job": job_id}).all()
    verdicts = pass_verdicts(connection, [_lost(row, job) for row in rows])
    settle(connection, job, done=verdicts.returned[job_id], failure=verdicts.failures.get(job_id))
    return len(rows)


def _rescue_one_by_one(connection: Connection, job_id: int) -> int:
    job = lock(connection, [job_id])[job_id]
    rescued = 0
    for row in connection.execute(_LAPSED_OF_JOB, {"job": job_id}).all():
        try:
            with connection.begin_nested():
                verdicts = pass_verdicts(connection, [_lost(row, job)])
                settle(connection, job, done=verdicts.returned[job_id], failure=verdicts.failures.get(job_id))
                rescued += 1
        except exc.DBAPIError as error:
            _logger.error("a lapsed lease could not be taken away", block=row.id, job=job_id, error=str(error.orig))
    return rescued


def _lost(row: Any, job: LockedJob) -> BrokenBlock:
    error = BlockError(kind="lost", message=f"no sign of life from {row.leased_by} within the lease")
    tries = Tries(row.attempts, row.max_attempts, row.lost, row.waits, row.shrink)
    return BrokenBlock(row.id, row.job_id, tries, error, job.stopping, row.mending)
