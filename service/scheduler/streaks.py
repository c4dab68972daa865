"""Failures in a row: counted along the instants that cron named, and what too many of them lead to."""

from datetime import datetime

from sqlalchemy import Connection, text

from schemas.states import FiringState
from service.scheduler.rows import LockedSchedule

COUNTED = 100
"""A longer row of failures is not counted on."""

# What happened before somebody last replaced or resumed the schedule does not count any more.
_LATEST = text("""
    select state from firings
    where schedule_id = :schedule and origin = 'cron' and state in ('done', 'failed', 'refused')
        and finished_at > :since
    order by instant desc limit :most
""")
_COUNT = text("update schedules set failures = :failures where id = :schedule")
_PAUSE = text("""
    update schedules set paused_at = :now, pause_reason = :reason, next_at = null where id = :schedule
""")


def pause_after_failures(connection: Connection, schedule: LockedSchedule, now: datetime) -> None:
    """Count the failures of a locked schedule up to its latest settled firing; pause it when they are too many.

    What was cancelled, skipped or missed, and what was asked for by hand, neither counts nor ends a row.
    """
    most = schedule.max_failures or COUNTED
    values = {"schedule": schedule.id, "since": schedule.updated_at, "most": most}
    failures = 0
    for state in connection.execute(_LATEST, values).scalars():
        if state == FiringState.DONE:
            break
        failures += 1
    connection.execute(_COUNT, {"schedule": schedule.id, "failures": failures})
    if failures == schedule.max_failures and schedule.paused_at is None:
        times = "one firing" if failures == 1 else f"{failures} firings in a row"
        values = {"schedule": schedule.id, "now": now, "reason": f"{times} failed"}
        connection.execute(_PAUSE, values)
