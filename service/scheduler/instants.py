"""Instants that a cron expression names in a time zone.

cronsim reads the expression and walks the clock on the wall. What a change of that clock does is decided here, after
Debian's cron. Between two changes wall clock and UTC run alike, so that a walk may start anywhere and finds what one
from long before would find; cronsim's own walk through aware times depends on where it began when a change is of half
an hour or at midnight.

- A fixed time (neither minute nor hour begins with a star) that a change skips is due when the change is over, once
  however many are skipped; one that a change repeats is due the first time.
- Any other expression follows the clock: skipped times are not due, repeated ones are due twice.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from schemas.crontab import YEARS_AHEAD

_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)
_LONGEST_SEGMENT = timedelta(days=400)


def instants(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Every instant later than `after`, in order and in UTC, until `YEARS_AHEAD` pass without any.

    Args:
        expression: Five fields of cron, as `schemas.crontab` takes them.
        zone: Whose clock is meant.
        after: An aware time.
    """
    fixed = is_fixed(expression)
    start = last = after.astimezone(UTC)
    opening = start + _offset(zone, start)
    while start < last + timedelta(days=366 * YEARS_AHEAD):
        end, offset = _segment(zone, start)
        for wall in _walls(expression, opening, end + offset):
            instant = max(wall - offset, start)
            if instant > last and not (fixed and instant.astimezone(zone).fold):
                last = instant
                yield instant
        # A fixed time goes on from what the clock showed before its change, any other from what it shows after.
        opening = end + (offset if fixed else _offset(zone, end)) - _SECOND
        start = end


def between(expression: str, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """The instants later than `after` up to and with `until`."""
    for instant in instants(expression, zone, after):
        if instant > until:
            return
        yield instant


def is_fixed(expression: str) -> bool:
    """Whether it names times of the day, as opposed to following the clock by minutes or hours."""
    minute, hour, *_ = expression.split()
    return not minute.startswith("*") and not hour.startswith("*")


def _segment(zone: ZoneInfo, start: datetime) -> tuple[datetime, timedelta]:
    """The end of the time from `start` on that has one offset, or of a long part of it; and that offset."""
    offset = _offset(zone, start)
    low = start
    while low < start + _LONGEST_SEGMENT:
        if _offset(zone, low + _DAY) != offset:
            return _change(zone, low), offset
        low += _DAY
    return low, offset


def _change(zone: ZoneInfo, low: datetime) -> datetime:
    """The second within a day after `low` from which on the offset is another."""
    offset = _offset(zone, low)
    low = low.replace(microsecond=0)
    high = low + _DAY + _SECOND
    while high - low > _SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
    return high


def _walls(expression: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """What the clock shows, between both and neither of them, when the expression matches; to cronsim it is UTC."""
    for wall in CronSim(expression, after):
        if wall >= until:
            return
        yield wall


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    return timedelta() if offset is None else offset
