"""Reads schedules and their firings for the API."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from schemas.durations import duration_of
from schemas.firing import label_at, tags_at, templated_at
from schemas.schedules import (
    Firing,
    FiringPage,
    PlannedFiring,
    Schedule,
    ScheduleDetail,
    SchedulePage,
    ScheduleRequest,
    Work,
)
from schemas.states import FiringState
from service.errors import Missing
from service.queue.jobs import LONGEST_PAGE
from service.scheduler.instants import instants
from service.scheduler.jitter import jitter_of

COLUMNS = "instant, origin, state, due_at, fired_at, finished_at, sweep_id, reason"
_SCHEDULE = """
    s.id, s.name, s.cron, s.timezone, s.overlap, s.catch_up_seconds, s.jitter_seconds, s.max_failures, s.failures,
    s.created_by, s.created_at, s.updated_at, s.paused_at, s.pause_reason, s.next_at,
    (select row_to_json(f) from (
        select instant, origin, state, due_at, fired_at, finished_at, sweep_id, reason from firings
        where schedule_id = s.id order by instant desc limit 1
    ) f) as last
"""
_ONE = text(f"""
    select {_SCHEDULE}, s.work from schedules s where s.name = :name and s.deleted_at is null
""")  # noqa: S608 - constants only
_PAGE = text(f"""
    select {_SCHEDULE} from schedules s
    where s.deleted_at is null and s.id > :cursor order by s.id limit :limit
""")  # noqa: S608 - constants only
_HISTORY = text(f"""
    select {COLUMNS} from firings
    where schedule_id = :schedule and instant < :before and (cast(:state as text) is null or state = :state)
    order by instant desc limit :limit
""")  # noqa: S608 - constants only
_FIRING = text(f"""
    select {COLUMNS} from firings where schedule_id = :schedule and instant = :instant
""")  # noqa: S608 - constants only
_AFTER_ALL = datetime(9999, 1, 1, tzinfo=UTC)


def schedule(connection: Connection, name: str) -> ScheduleDetail:
    """A schedule by its name.

    Raises:
        Missing: there is none.
    """
    row: Any = connection.execute(_ONE, {"name": name}).one_or_none()
    if row is None:
        raise Missing("unknown_schedule", f"there is no schedule {name!r}; `holonomy schedule list` shows all")
    return ScheduleDetail(**_fields(row), work=Work.model_validate(row.work))


def page(connection: Connection, *, cursor: int | None = None, limit: int = 50) -> SchedulePage:
    """Schedules in the order in which they were made; `cursor` is the `next` of the page before."""
    limit = max(1, min(limit, LONGEST_PAGE))
    rows = connection.execute(_PAGE, {"cursor": cursor or 0, "limit": limit + 1}).all()
    items = tuple(Schedule(**_fields(row)) for row in rows[:limit])
    return SchedulePage(items=items, next=str(items[-1].id) if len(rows) > limit else None)


def firings(
    connection: Connection,
    name: str,
    *,
    state: FiringState | None = None,
    cursor: int | None = None,
    limit: int = 50,
) -> FiringPage:
    """Firings of a schedule, latest instant first; `cursor` is the `next` of the page before.

    Raises:
        Missing: there is no such schedule.
    """
    limit = max(1, min(limit, LONGEST_PAGE))
    values = {
        "schedule": schedule(connection, name).id,
        "state": state and state.value,
        "before": _AFTER_ALL if cursor is None else datetime.fromtimestamp(min(cursor, _AFTER_ALL.timestamp()), UTC),
        "limit": limit + 1,
    }
    rows = connection.execute(_HISTORY, values).all()
    items = tuple(firing_of(row) for row in rows[:limit])
    more = len(rows) > limit
    return FiringPage(items=items, next=str(int(items[-1].instant.timestamp())) if more else None)


def firing(connection: Connection, name: str, instant: datetime) -> Firing:
    """The firing of an instant.

    Raises:
        Missing: there is no such schedule, or it has no firing at that moment.
    """
    values = {"schedule": schedule(connection, name).id, "instant": instant}
    row: Any = connection.execute(_FIRING, values).one_or_none()
    if row is None:
        raise Missing(
            "unknown_firing",
            f"schedule {name!r} has no firing at {instant.isoformat()}; "
            f"`holonomy schedule history {name}` lists those it has",
        )
    return firing_of(row)


def coming(schedule_id: int | None, request: ScheduleRequest, now: datetime, count: int) -> Iterator[PlannedFiring]:
    """The next firings of a schedule, were it not paused and nothing skipped.

    Args:
        schedule_id: Its number; None before it is made.
        request: What it is.
        now: The time.
        count: How many.

    Raises:
        InvalidSpec: the text of a template does not fit its field.
    """
    work, longest = request.work, request.longest_jitter
    for instant in islice(instants(request.cron, request.zone, now), count):
        local = instant.astimezone(request.zone)
        yield PlannedFiring(
            instant=local,
            due_at=None if schedule_id is None else local + jitter_of(schedule_id, instant, longest),
            label=label_at(work, request.name, local),
            tags=tags_at(work, local),
            templated=templated_at(work, local),
        )


def firing_of(row: Any) -> Firing:
    """A row of firings as the API shows it."""
    return Firing.model_validate(dict(row._mapping))


def _fields(row: Any) -> dict[str, Any]:
    fields = dict(row._mapping)
    fields.pop("work", None)
    catch_up, jitter = fields.pop("catch_up_seconds"), fields.pop("jitter_seconds")
    return {**fields, "catch_up": duration_of(int(catch_up)), "jitter": duration_of(int(jitter))}
