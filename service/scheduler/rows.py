"""A schedule's row, as those read it who decide about its firings."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from schemas.states import Overlap

_COLUMNS = """
    id, name, cron, timezone, work, overlap, catch_up_seconds, jitter_seconds, max_failures, updated_at, paused_at,
    considered_until
"""
# Who holds a row decides for its schedule; another scheduler does not wait for that but goes on to the next one.
_TRY = text(f"select {_COLUMNS} from schedules where id = :schedule for no key update skip locked")  # noqa: S608 - constants
_DUE = text(f"""
    select {_COLUMNS} from schedules where next_at <= :now order by next_at limit 1 for no key update skip locked
""")  # noqa: S608 - constants only
_NAMED = text(f"""
    select {_COLUMNS} from schedules where name = :name and deleted_at is null for no key update
""")  # noqa: S608 - constants only


@dataclass(frozen=True)
class LockedSchedule:
    """A schedule whose row is locked until the transaction ends."""

    id: int
    name: str
    cron: str
    zone: ZoneInfo
    work: dict[str, Any]
    overlap: Overlap
    catch_up: timedelta
    jitter: timedelta
    max_failures: int | None
    updated_at: datetime
    paused_at: datetime | None
    considered_until: datetime


def try_lock(connection: Connection, schedule_id: int) -> LockedSchedule | None:
    """A schedule by its number; None when somebody else holds it."""
    return _schedule(connection.execute(_TRY, {"schedule": schedule_id}).one_or_none())


def lock_due(connection: Connection, now: datetime) -> LockedSchedule | None:
    """The schedule, of those that nobody holds, whose next instant came first; None when none has come."""
    return _schedule(connection.execute(_DUE, {"now": now}).one_or_none())


def lock_named(connection: Connection, name: str) -> LockedSchedule | None:
    """A schedule by its name, once nobody else holds it; None when there is none."""
    return _schedule(connection.execute(_NAMED, {"name": name}).one_or_none())


def _schedule(row: Any) -> LockedSchedule | None:
    if row is None:
        return None
    return LockedSchedule(
        id=row.id,
        name=row.name,
        cron=row.cron,
        zone=ZoneInfo(row.timezone),
        work=row.work,
        overlap=Overlap(row.overlap),
        catch_up=timedelta(seconds=row.catch_up_seconds),
        jitter=timedelta(seconds=row.jitter_seconds),
        max_failures=row.max_failures,
        updated_at=row.updated_at,
        paused_at=row.paused_at,
        considered_until=row.considered_until,
    )
