"""Due firings fire: the decision, the sweep and the record of both are one transaction.

A scheduler that dies anywhere leaves either all of it or nothing, and whoever comes next goes on from there.
"""

from datetime import datetime
from typing import Any, assert_never

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from schemas.firing import submission_at
from schemas.mistakes import InvalidSpec
from schemas.schedules import Work
from schemas.states import FiringState, Origin
from service.errors import Refused
from service.scheduler.overlap import Pending, Step, next_step
from service.scheduler.rows import LockedSchedule, try_lock
from service.scheduler.streaks import pause_after_failures
from service.scheduler.sweeps import Sweeps

SUBMITTED_BY = "schedule {}"

_WITH_WORK = text("""
    select distinct schedule_id from firings
    where state in ('due', 'waiting') and due_at <= :now order by schedule_id
""")
_PENDING = text("""
    select id, instant, origin, state, due_at, sweep_id from firings
    where schedule_id = :schedule and state in ('due', 'waiting', 'running') order by instant
""")
_MOVE = text("""
    update firings set state = :state, reason = :reason, sweep_id = coalesce(:sweep, sweep_id),
        fired_at = case when :state = 'running' then :now else fired_at end,
        finished_at = case when :state in ('running', 'waiting') then null else cast(:now as timestamptz) end
    where id = :firing
""")

_log = structlog.get_logger("scheduler")


def fire_due(engine: Engine, now: datetime, sweeps: Sweeps) -> int:
    """Do all that is to do now with due firings, each in a transaction of its own; how many moved.

    Raises:
        sqlalchemy.exc.DBAPIError: the database failed, for the first time so. The other schedules have been tried all
            the same, unless it is away: what it refuses of one keeps no other from firing.
    """
    with engine.connect() as connection:
        schedules = connection.execute(_WITH_WORK, {"now": now}).scalars().all()
    moved = 0
    failures = list[DBAPIError]()
    for schedule_id in schedules:
        try:
            while _move_one(engine, schedule_id, now, sweeps):
                moved += 1
        except DBAPIError as error:
            failures.append(error)
            if error.connection_invalidated:
                break
    if failures:
        raise failures[0]
    return moved


def _move_one(engine: Engine, schedule_id: int, now: datetime, sweeps: Sweeps) -> bool:
    with engine.begin() as connection:
        schedule = try_lock(connection, schedule_id)
        if schedule is None:
            return False
        pending = [_pending(row) for row in connection.execute(_PENDING, {"schedule": schedule_id})]
        step = next_step(
            schedule.overlap, pending, now, catch_up=schedule.catch_up, paused=schedule.paused_at is not None
        )
        if step is None:
            return False
        _take(connection, schedule, step, now, sweeps)
        return True


def _take(connection: Connection, schedule: LockedSchedule, step: Step, now: datetime, sweeps: Sweeps) -> None:
    match step.move:
        case "fire":
            _fire(connection, schedule, step.firing, now, sweeps)
        case "cancel":
            if step.firing.sweep_id is not None:
                sweeps.cancel(connection, step.firing.sweep_id)
            _record(connection, step.firing, FiringState.CANCELLED, now, reason=step.reason)
        case "skip":
            _record(connection, step.firing, FiringState.SKIPPED, now, reason=step.reason)
        case "miss":
            _record(connection, step.firing, FiringState.MISSED, now, reason=step.reason)
        case "wait":
            _record(connection, step.firing, FiringState.WAITING, now, reason=step.reason)
        case _:
            assert_never(step.move)


def _fire(connection: Connection, schedule: LockedSchedule, firing: Pending, now: datetime, sweeps: Sweeps) -> None:
    try:
        with connection.begin_nested():
            work = Work.model_validate(schedule.work)
            submission = submission_at(work, schedule.name, firing.instant.astimezone(schedule.zone))
            sweep = sweeps.submit(connection, submission, SUBMITTED_BY.format(schedule.name))
    except DBAPIError:
        raise
    except (Refused, InvalidSpec, ValueError) as error:
        _refuse(connection, schedule, firing, now, str(error))
    except Exception as error:
        # It would fail in the same way at every tick, and hold up what comes after it.
        _log.exception("a firing failed", schedule=schedule.name, instant=firing.instant)
        _refuse(connection, schedule, firing, now, f"it could not be fired: {error}")
    else:
        _record(connection, firing, FiringState.RUNNING, now, sweep=sweep)
        _log.info("fired", schedule=schedule.name, instant=firing.instant, sweep=sweep)


def _refuse(connection: Connection, schedule: LockedSchedule, firing: Pending, now: datetime, reason: str) -> None:
    _log.warning("refused", schedule=schedule.name, instant=firing.instant, reason=reason)
    _record(connection, firing, FiringState.REFUSED, now, reason=reason)
    pause_after_failures(connection, schedule, now)


def _record(
    connection: Connection,
    firing: Pending,
    state: FiringState,
    now: datetime,
    *,
    reason: str | None = None,
    sweep: int | None = None,
) -> None:
    values = {"firing": firing.id, "state": state.value, "reason": reason, "sweep": sweep, "now": now}
    connection.execute(_MOVE, values)


def _pending(row: Any) -> Pending:
    return Pending(row.id, row.instant, Origin(row.origin), FiringState(row.state), row.due_at, row.sweep_id)
