"""Schedules are made, replaced, paused, resumed and deleted. Nothing that fired is ever taken back or forgotten."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from schemas.canonical import canonical_json
from schemas.durations import seconds_of
from schemas.firing import submission_at
from schemas.mistakes import InvalidSpec
from schemas.schedules import ScheduleRequest
from service.errors import Conflict, Missing, Refused
from service.queue.acceptance import Acceptance
from service.queue.sweeps.submit import accept
from service.scheduler.instants import instants
from service.scheduler.materialise import BATCH, advance, consider
from service.scheduler.rows import LockedSchedule, lock_named

_INSERT = text("""
    insert into schedules (
        name, cron, timezone, work, overlap, catch_up_seconds, jitter_seconds, max_failures, created_by, created_at,
        updated_at, considered_until, next_at
    )
    values (
        :name, :cron, :timezone, cast(:work as jsonb), :overlap, :catch_up, :jitter, :max_failures, :by, :now, :now,
        :now, :next
    )
    on conflict (name) where deleted_at is null do nothing
    returning id
""")
_REPLACE = text("""
    update schedules set cron = :cron, timezone = :timezone, work = cast(:work as jsonb), overlap = :overlap,
        catch_up_seconds = :catch_up, jitter_seconds = :jitter, max_failures = :max_failures, failures = 0,
        updated_at = :now, considered_until = greatest(considered_until, :now),
        next_at = case when paused_at is null then cast(:next as timestamptz) end
    where id = :schedule
""")
_PAUSE = text("""
    update schedules set paused_at = coalesce(paused_at, :now), pause_reason = :reason, next_at = null,
        updated_at = :now
    where id = :schedule
""")
_RESUME = text("""
    update schedules set paused_at = null, pause_reason = null, failures = 0, updated_at = :now where id = :schedule
""")
_DELETE = text("update schedules set deleted_at = :now, updated_at = :now, next_at = null where id = :schedule")
_DROP = text("""
    update firings set state = 'cancelled', finished_at = :now, reason = 'the schedule was deleted'
    where schedule_id = :schedule and state in ('due', 'waiting')
""")


def create(connection: Connection, request: ScheduleRequest, *, created_by: str, now: datetime) -> None:
    """Make a schedule. Its first instant is the first after `now`.

    Raises:
        Conflict: there is one of this name.
        Refused: what it fires would not be accepted, as far as that can be told today.
        Missing: it needs a dataset that is not there.
    """
    first = _checked(connection, request, now)
    values = {**_columns(request), "name": request.name, "by": created_by, "now": now, "next": first}
    if connection.execute(_INSERT, values).one_or_none() is None:
        raise Conflict(
            "schedule_exists", f"there is a schedule {request.name!r} already: replace it, or take another name"
        )


def replace(connection: Connection, request: ScheduleRequest, *, created_by: str, now: datetime) -> bool:
    """Put a schedule in the place of the one of its name; whether there was none, and it was made.

    Its history stays, and so does a pause; what is due already fires as the new one says. Failures count anew.

    Raises:
        Refused, Missing: as for `create`.
    """
    there = lock_named(connection, request.name)
    if there is None:
        create(connection, request, created_by=created_by, now=now)
        return True
    first = _checked(connection, request, max(now, there.considered_until))
    connection.execute(_REPLACE, {**_columns(request), "schedule": there.id, "now": now, "next": first})
    return False


def pause(connection: Connection, name: str, *, reason: str | None, now: datetime) -> None:
    """Hold a schedule back until it is resumed. What runs goes on; what is asked for by hand fires all the same.

    Raises:
        Missing: there is no such schedule.
    """
    connection.execute(_PAUSE, {"schedule": named(connection, name).id, "reason": reason, "now": now})


def resume(connection: Connection, name: str, *, now: datetime) -> None:
    """Go on with a paused schedule, from its first instant after `now`; one that is not paused stays as it is.

    Raises:
        Missing: there is no such schedule.
    """
    schedule = named(connection, name)
    if schedule.paused_at is not None:
        connection.execute(_RESUME, {"schedule": schedule.id, "now": now})
        advance(connection, schedule, max(now, schedule.considered_until))


def delete(connection: Connection, name: str, *, now: datetime) -> None:
    """Delete a schedule. Its history stays, what runs goes on, what was due is cancelled, and its name is free.

    Raises:
        Missing: there is no such schedule.
    """
    schedule = named(connection, name)
    connection.execute(_DROP, {"schedule": schedule.id, "now": now})
    connection.execute(_DELETE, {"schedule": schedule.id, "now": now})


def bring_up_to_date(engine: Engine, name: str, now: datetime) -> None:
    """Make rows of the instants of a schedule up to `now`, as a scheduler would, before something else is decided.

    So an instant belongs to what the schedule was when it came, even if no scheduler ran then.
    """
    while True:
        with engine.begin() as connection:
            schedule = lock_named(connection, name)
            if schedule is None or schedule.paused_at is not None or consider(connection, schedule, now) < BATCH:
                return


def named(connection: Connection, name: str) -> LockedSchedule:
    """The schedule of a name, locked.

    Raises:
        Missing: there is none.
    """
    schedule = lock_named(connection, name)
    if schedule is None:
        raise Missing("unknown_schedule", f"there is no schedule {name!r}; `holonomy schedule list` shows all")
    return schedule


def _checked(connection: Connection, request: ScheduleRequest, after: datetime) -> datetime:
    """The first instant of a schedule, once what it fires then would be accepted."""
    first = next(instants(request.cron, request.zone, after), None)
    if first is None:
        raise Refused("never_fires", f"the expression `{request.cron}` names no instant after {after:%Y-%m-%d}")
    try:
        submission = submission_at(request.work, request.name, first.astimezone(request.zone))
    except InvalidSpec as error:
        raise Refused("invalid_schedule", str(error)) from None
    accept(Acceptance(connection), submission)
    return first


def _columns(request: ScheduleRequest) -> dict[str, Any]:
    return {
        "cron": request.cron,
        "timezone": request.timezone,
        "work": canonical_json(request.work).decode(),
        "overlap": request.overlap.value,
        "catch_up": seconds_of(request.catch_up),
        "jitter": seconds_of(request.jitter),
        "max_failures": request.max_failures,
    }
