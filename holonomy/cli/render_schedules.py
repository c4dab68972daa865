"""Schedules and their firings as text for people."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import yaml
from rich.markup import escape
from rich.table import Table

from holonomy.cli.render import ago, duration, plain_table
from holonomy.cli.render_preview import value_text
from schemas.schedules import Firing, PlannedFiring, Schedule, ScheduleDetail
from schemas.states import FiringState

_STYLES = {
    FiringState.DUE: "yellow",
    FiringState.WAITING: "yellow",
    FiringState.RUNNING: "cyan",
    FiringState.DONE: "green",
    FiringState.FAILED: "red",
    FiringState.CANCELLED: "dim",
    FiringState.SKIPPED: "dim",
    FiringState.MISSED: "magenta",
    FiringState.REFUSED: "red",
}

_LATE = timedelta(minutes=1)
"""A scheduler that runs moves the next instant on within seconds."""


def schedule_table(schedules: Iterable[Schedule]) -> Table:
    """Schedules, one per row; times are by their own clocks."""
    table = plain_table("schedule", "cron", "zone", "next", "last", "state")
    for schedule in schedules:
        last = "" if schedule.last is None else f"{_local(schedule.last.instant, schedule)} {schedule.last.state}"
        table.add_row(
            escape(schedule.name),
            escape(schedule.cron),
            schedule.timezone,
            next_instant(schedule),
            last,
            escape(_state(schedule)),
        )
    return table


def schedule_text(schedule: ScheduleDetail) -> str:
    """A schedule in full: when it fires, how it stands, and what it fires."""
    failures = f"after {schedule.max_failures} failures in a row" if schedule.max_failures else "never by itself"
    last = schedule.last
    fields: dict[str, str | None] = {
        "schedule": schedule.name,
        "cron": f"{schedule.cron}  in {schedule.timezone}",
        "state": _state(schedule),
        "next": next_instant(schedule),
        "last": None if last is None else f"{_local(last.instant, schedule)} {last.state}",
        "overlap": str(schedule.overlap),
        "catch up": schedule.catch_up,
        "jitter": schedule.jitter if schedule.jitter != "0s" else None,
        "pauses": failures,
        "made": f"{schedule.created_at.isoformat(timespec='seconds')} by {schedule.created_by}",
    }
    head = "\n".join(f"{name:<10} {value}" for name, value in fields.items() if value)
    around = schedule.work.model_dump(mode="json", exclude_defaults=True, exclude={"sweep"})
    work = {**around, "sweep": schedule.work.sweep.model_dump(mode="json")}
    return f"{head}\n\n{yaml.safe_dump(work, sort_keys=False, allow_unicode=True)}"


def planned_table(planned: Iterable[PlannedFiring]) -> Table:
    """Firings that would come, one per row, with what the templates give."""
    rows = list(planned)
    paths = list(dict.fromkeys(path for one in rows for path in one.templated))
    table = plain_table("instant", "due", "sweep", "tags", *(escape(path) for path in paths))
    for one in rows:
        due = "" if one.due_at is None else one.due_at.astimezone(one.instant.tzinfo).strftime("%H:%M:%S")
        values = (escape(value_text(one.templated.get(path))) for path in paths)
        table.add_row(_minute(one.instant), due, escape(one.label), escape(", ".join(one.tags)), *values)
    return table


def firing_table(firings: Iterable[Firing], timezone: str) -> Table:
    """Firings, one per row; instants are by the clock of the schedule."""
    table = plain_table("instant", "origin", "state", "sweep", "took", "why")
    for firing in firings:
        table.add_row(
            _minute(firing.instant.astimezone(ZoneInfo(timezone))),
            str(firing.origin),
            f"[{_STYLES[firing.state]}]{firing.state}[/]",
            "" if firing.sweep_id is None else str(firing.sweep_id),
            duration(firing.fired_at, firing.finished_at),
            escape(firing.reason or ""),
        )
    return table


def _state(schedule: Schedule) -> str:
    if schedule.paused_at is not None:
        why = f": {schedule.pause_reason}" if schedule.pause_reason else ""
        return f"paused {ago(schedule.paused_at)}{why}"
    if schedule.next_at is not None and datetime.now(UTC) - schedule.next_at > _LATE:
        return f"late since {ago(schedule.next_at)}: no scheduler looks; `holonomy status` shows what runs"
    return f"{schedule.failures} failed in a row" if schedule.failures else "on"


def next_instant(schedule: Schedule) -> str:
    """When it fires next by its own clock, empty where it does not."""
    return "" if schedule.next_at is None else _local(schedule.next_at, schedule)


def _local(moment: datetime, schedule: Schedule) -> str:
    return _minute(moment.astimezone(ZoneInfo(schedule.timezone)))


def _minute(moment: datetime) -> str:
    """With its offset, which tells the two apart when an hour comes twice."""
    return moment.isoformat(" ", "minutes" if moment.second == 0 else "seconds")
