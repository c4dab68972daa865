"""Reads what belongs to a job for the API: blocks, log lines, objects."""

from typing import Any

from sqlalchemy import Connection, text

from schemas.api import Block, BlockPage, Event, EventPage, Manifest
from schemas.blocks import ObjectRef
from schemas.states import BlockState
from service.errors import Dropped, Missing
from service.queue.explain import retry_reason
from service.queue.jobs import LONGEST_PAGE

_DIGEST = text("select digest from jobs where id = :job")
_BLOCKS = text("""
    select b.id, b.seq, b.phase, b.kind, b.state, b.attempts, b.runs, b.leased_by, b.seconds, b.error, b.reason,
           b.record -> 'provenance' as provenance, b.record -> 'data' as data, j.reason as job_reason,
           extract(epoch from b.ready_at - clock_timestamp()) as wait_seconds
    from blocks b join jobs j on j.id = b.job_id
    where b.job_id = :job and b.seq > :cursor and (cast(:state as text) is null or b.state = :state)
    order by b.seq limit :limit
""")
_EVENTS = text("""
    select id, at, level, block_id, message, data from events
    where job_id = :job and id > :after order by id limit :limit
""")
_OBJECTS = text("""
    select name, key, sha256, size_bytes, arrays, dropped_at is not null as dropped from objects
    where job_id = :job order by name
""")
_OBJECT = text("""
    select name, key, sha256, size_bytes, arrays, dropped_at, drop_reason from objects
    where job_id = :job and name = :name
""")


def blocks(
    connection: Connection,
    job_id: int,
    *,
    state: BlockState | None = None,
    cursor: int | None = None,
    limit: int = 100,
) -> BlockPage:
    """Blocks of a job in order; `cursor` is the `next` of the page before.

    Raises:
        Missing: there is no such job.
    """
    _digest(connection, job_id)
    limit = max(1, min(limit, LONGEST_PAGE))
    values = {
        "job": job_id,
        "state": state and state.value,
        "cursor": -1 if cursor is None else cursor,
        "limit": limit + 1,
    }
    rows = connection.execute(_BLOCKS, values).all()
    items = tuple(_block(row) for row in rows[:limit])
    return BlockPage(items=items, next=str(items[-1].seq) if len(rows) > limit else None)


def events(connection: Connection, job_id: int, *, after: int = 0, limit: int = 200) -> EventPage:
    """Log lines of a job after the line numbered `after`, oldest first.

    Raises:
        Missing: there is no such job.
    """
    _digest(connection, job_id)
    limit = max(1, min(limit, LONGEST_PAGE))
    rows = connection.execute(_EVENTS, {"job": job_id, "after": after, "limit": limit + 1}).all()
    items = tuple(Event(**row._mapping) for row in rows[:limit])
    return EventPage(items=items, next=str(items[-1].id) if len(rows) > limit else None)


def manifest(connection: Connection, job_id: int) -> Manifest:
    """Every object of a job, and the names of those that retention dropped.

    Raises:
        Missing: there is no such job.
    """
    digest = _digest(connection, job_id)
    rows = connection.execute(_OBJECTS, {"job": job_id}).all()
    return Manifest(
        job_id=job_id,
        digest=digest,
        objects=tuple(_reference(row) for row in rows),
        dropped=tuple(row.name for row in rows if row.dropped),
    )


def named_object(connection: Connection, job_id: int, name: str) -> ObjectRef:
    """One object of a job, by its name.

    Raises:
        Missing: there is no such job, or it has no such object.
        Dropped: retention took the object away.
    """
    _digest(connection, job_id)
    row = connection.execute(_OBJECT, {"job": job_id, "name": name}).one_or_none()
    if row is None:
        raise Missing("unknown_object", f"job {job_id} has no object `{name}`")
    if row.dropped_at is not None:
        # Of an imported job the policy of the other installation is not known.
        policy = f" ({row.drop_reason})" if row.drop_reason else ""
        raise Dropped(
            "dropped",
            f"object `{name}` of job {job_id} was dropped on {row.dropped_at:%Y-%m-%d at %H:%M} UTC by "
            f"retention{policy}: `holonomy fsck --mend {job_id}` computes it again, as does submitting its spec with "
            "fresh=true",
        )
    return _reference(row)


def _reference(row: Any) -> ObjectRef:
    return ObjectRef(name=row.name, key=row.key, sha256=row.sha256, size_bytes=row.size_bytes, arrays=row.arrays)


def _digest(connection: Connection, job_id: int) -> str:
    digest = connection.execute(_DIGEST, {"job": job_id}).scalar_one_or_none()
    if digest is None:
        raise Missing("unknown_job", f"there is no job {job_id}")
    return str(digest)


def _block(row: Any) -> Block:
    reason = row.reason
    if row.state == BlockState.READY:
        message = None if row.error is None else row.error["message"]
        reason = retry_reason(reason, message, float(row.wait_seconds)) or row.job_reason
    return Block(
        id=row.id,
        seq=row.seq,
        phase=row.phase,
        kind=row.kind,
        state=row.state,
        attempts=row.attempts,
        runs=row.runs,
        reason=reason,
        leased_by=row.leased_by if row.state == BlockState.RUNNING else None,
        seconds=row.seconds,
        error=row.error,
        provenance=row.provenance or {},
        data=row.data or {},
    )
