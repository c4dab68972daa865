"""Firings that somebody asks for: one now, or those of a time that has passed."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from schemas.schedules import MOST_BACKFILLED, Backfill, BackfillRequest, Firing
from schemas.states import FiringState
from service.errors import Conflict, Refused
from service.scheduler.history import COLUMNS, firing_of
from service.scheduler.instants import between
from service.scheduler.rows import LockedSchedule
from service.scheduler.schedules import named

_TRIGGER = text(f"""
    insert into firings (schedule_id, instant, origin, state, due_at)
    values (:schedule, :instant, 'trigger', 'due', :now)
    on conflict (schedule_id, instant) do nothing returning {COLUMNS}
""")  # noqa: S608 - constants only
_THERE = text(f"""
    select {COLUMNS} from firings
    where schedule_id = :schedule and instant = any(cast(:instants as timestamptz[])) order by instant
""")  # noqa: S608 - constants only
_BACKFILL = text("""
    insert into firings (schedule_id, instant, origin, state, due_at)
    select :schedule, instant, 'backfill', 'due', :now from unnest(cast(:instants as timestamptz[])) as new (instant)
    on conflict (schedule_id, instant) do update
        set origin = 'backfill', state = 'due', due_at = :now, finished_at = null, reason = null
""")
# What never had a sweep has not fired, and may.
_UNFIRED = frozenset({FiringState.MISSED, FiringState.SKIPPED, FiringState.REFUSED})


def trigger(connection: Connection, name: str, *, now: datetime) -> Firing:
    """Fire a schedule now, paused or not; its overlap policy holds. The instant is this second.

    Raises:
        Missing: there is no such schedule.
        Conflict: it has a firing at this second.
    """
    schedule = named(connection, name)
    values = {"schedule": schedule.id, "instant": now.replace(microsecond=0), "now": now}
    row: Any = connection.execute(_TRIGGER, values).one_or_none()
    if row is None:
        raise Conflict(
            "already_fired",
            f"schedule {name!r} has a firing at this very second already: trigger it again in the next",
        )
    return firing_of(row)


def backfill(connection: Connection, name: str, request: BackfillRequest, *, now: datetime) -> Backfill:
    """Fire the instants in [start, end) that have not fired, one after the other unless they may overlap.

    Raises:
        Missing: there is no such schedule.
        Refused: the end lies ahead, or there are too many instants.
    """
    schedule = named(connection, name)
    if request.end > now:
        raise Refused(
            "not_over",
            f"a backfill is of the past: expected an end until now, {now:%Y-%m-%d %H:%M:%S} UTC; came {request.end}",
        )
    wanted = _instants(schedule, request)
    values: dict[str, Any] = {"schedule": schedule.id, "instants": wanted}
    there = [firing_of(row) for row in connection.execute(_THERE, values)]
    kept = tuple(firing for firing in there if firing.state not in _UNFIRED)
    fired = sorted(set(wanted) - {firing.instant for firing in kept})
    if fired and not request.dry_run:
        connection.execute(_BACKFILL, {"schedule": schedule.id, "instants": fired, "now": now})
    local = tuple(instant.astimezone(schedule.zone) for instant in fired)
    return Backfill(fired=local, kept=kept, dry_run=request.dry_run)


def _instants(schedule: LockedSchedule, request: BackfillRequest) -> list[datetime]:
    # The moments are whole seconds, and the walk leaves out the one it starts from.
    start, end = (_ceiling(moment) - timedelta(seconds=1) for moment in (request.start, request.end))
    found = list(islice(between(schedule.cron, schedule.zone, start, end), MOST_BACKFILLED + 1))
    if len(found) > MOST_BACKFILLED:
        last = found[-1].astimezone(schedule.zone)
        raise Refused(
            "too_many_instants",
            f"`{schedule.cron}` has more than {MOST_BACKFILLED:,} instants from {request.start} to {request.end}, "
            f"and a backfill takes at most so many: begin with those before {last.isoformat()}",
        )
    return found


def _ceiling(moment: datetime) -> datetime:
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return whole if moment == whole else whole + timedelta(seconds=1)
