"""Instants become rows: each once, however many schedulers run and however long none did."""

from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, text

from schemas.durations import duration_of
from schemas.states import FiringState, Origin
from service.scheduler.instants import between, instants
from service.scheduler.jitter import jitter_of
from service.scheduler.rows import LockedSchedule, lock_due

BATCH = 500
"""Instants of one transaction."""

_INSERT = text("""
    insert into firings (schedule_id, instant, origin, state, due_at, finished_at, reason)
    select :schedule, instant, :origin, state, due_at, case when state = 'missed' then :now end, reason
    from unnest(cast(:instants as timestamptz[]), cast(:dues as timestamptz[]), cast(:states as text[]),
                cast(:reasons as text[])) as new (instant, due_at, state, reason)
    on conflict (schedule_id, instant) do nothing
""")
_ADVANCE = text("""
    update schedules set considered_until = :until, next_at = :next where id = :schedule
""")


def materialise(engine: Engine, now: datetime) -> int:
    """Make rows of all instants up to `now` of schedules that nobody else holds; how many were looked at."""
    total = 0
    while True:
        with engine.begin() as connection:
            schedule = lock_due(connection, now)
            if schedule is None:
                return total
            total += consider(connection, schedule, now)


def consider(connection: Connection, schedule: LockedSchedule, now: datetime) -> int:
    """Make rows of the next instants of a locked schedule, `BATCH` at most; how many were looked at."""
    found = list(islice(between(schedule.cron, schedule.zone, schedule.considered_until, now), BATCH))
    if found:
        _insert(connection, schedule, found, now)
    advance(connection, schedule, found[-1] if len(found) == BATCH else max(now, schedule.considered_until))
    return len(found)


def advance(connection: Connection, schedule: LockedSchedule, until: datetime) -> None:
    """Note that every instant of a locked schedule up to `until` was considered, and which one comes next."""
    coming = next(instants(schedule.cron, schedule.zone, until), None)
    connection.execute(_ADVANCE, {"schedule": schedule.id, "until": until, "next": coming})


def _insert(connection: Connection, schedule: LockedSchedule, found: list[datetime], now: datetime) -> None:
    missed = [now - instant > schedule.catch_up for instant in found]
    window = duration_of(int(schedule.catch_up.total_seconds()))
    reason = f"no scheduler ran until {now:%Y-%m-%d %H:%M:%S} UTC, past the catch-up window of {window}"
    values: dict[str, Any] = {
        "schedule": schedule.id,
        "origin": Origin.CRON.value,
        "now": now,
        "instants": found,
        "dues": [instant + jitter_of(schedule.id, instant, schedule.jitter) for instant in found],
        "states": [(FiringState.MISSED if late else FiringState.DUE).value for late in missed],
        "reasons": [reason if late else None for late in missed],
    }
    connection.execute(_INSERT, values)
