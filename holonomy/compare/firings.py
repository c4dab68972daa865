"""Two instants of a schedule as the sides of a comparison."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

from holonomy.compare.asked import sweep_side
from holonomy.compare.comparison import Asked, Comparison, compare
from holonomy.compare.sides import Side
from holonomy.connection import Connection
from holonomy.errors import Refused
from holonomy.schedule import ScheduleHandle
from schemas.schedules import Firing
from schemas.states import FiringState

FINISHED = (FiringState.DONE, FiringState.FAILED)
"""Firings that have results; of a failed one, some jobs may have none, which a comparison counts."""


def compare_firings(
    connection: Connection,
    schedule: ScheduleHandle,
    chosen: tuple[Firing, Firing] | None,
    metric: Asked | None,
    threshold: float | str | None,
    confidence: float,
) -> Comparison:
    """Two firings held against each other, by default the last two finished ones; see `ScheduleHandle.compare`."""
    earlier, later = chosen or last_two(schedule)
    a, b = (firing_side(connection, schedule, firing) for firing in (earlier, later))
    found = compare(a, b, metric, threshold, confidence)
    others = () if chosen else tuple(not_compared(schedule, earlier, later))
    return replace(found, remarks=(*found.remarks, *others))


def last_two(schedule: ScheduleHandle) -> tuple[Firing, Firing]:
    """The last two finished firings, the earlier first.

    Raises:
        Refused: there are fewer.
    """
    found = list[Firing]()
    for firing in schedule.history():
        if firing.state in FINISHED:
            found.append(firing)
        if len(found) == 2:
            return found[1], found[0]
    raise Refused(
        f"two finished firings are compared; schedule {schedule.name} has {len(found)}: wait for the next one, or "
        "`trigger` or `backfill` it"
    )


def not_compared(schedule: ScheduleHandle, earlier: Firing, later: Firing) -> Iterator[str]:
    """Remarks on firings after the earlier one that are not compared, whose absence would else go unnoticed."""
    for firing in takewhile(lambda one: one.instant > earlier.instant, schedule.history()):
        if firing.instant != later.instant:
            reason = f": {firing.reason}" if firing.reason else ""
            yield f"not compared: {firing_name(schedule, firing.instant)}, which is {firing.state}{reason}"


def firing_side(connection: Connection, schedule: ScheduleHandle, firing: Firing) -> Side:
    """The sweep of a firing as a side.

    Raises:
        Refused: the instant did not fire, or its sweep has not ended.
    """
    name = firing_name(schedule, firing.instant)
    if firing.sweep_id is None:
        raise Refused(f"{name} is {firing.state} and has no sweep{f': {firing.reason}' if firing.reason else ''}")
    return sweep_side(connection, firing.sweep_id, name)


def firing_name(schedule: ScheduleHandle, instant: datetime) -> str:
    """A firing by its schedule and the instant on its clock, such as `nightly 2026-11-20 02:30`."""
    local = instant.astimezone(ZoneInfo(schedule.seen.timezone))
    return f"{schedule.name} {local:%Y-%m-%d %H:%M}" + (f":{local:%S}" if local.second else "")
