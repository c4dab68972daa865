"""The handle of a schedule: its instants, what became of them, and how it is held back."""

import time
from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from holonomy.checked import checked
from holonomy.connection import Connection
from holonomy.errors import Refused, WaitTimeout
from holonomy.pages import pages
from schemas.schedules import (
    UNFINISHED,
    Backfill,
    BackfillRequest,
    Firing,
    FiringPage,
    PauseRequest,
    PlannedFiring,
    Schedule,
    ScheduleDetail,
)
from schemas.states import FiringState

if TYPE_CHECKING:
    from holonomy.compare.comparison import Asked, Comparison

Moment = datetime | date | str
"""A time; one without a zone is by the clock of the schedule, and a date is its first moment."""
_POLL_SECONDS = 0.5


class ScheduleHandle:
    """A schedule of the service. Nothing is fetched before it is asked for."""

    def __init__(self, connection: Connection, schedule: Schedule) -> None:
        self._connection = connection
        self._schedule = schedule

    @property
    def name(self) -> str:
        """Its name."""
        return self._schedule.name

    @property
    def seen(self) -> Schedule:
        """The schedule as it was when last looked at; nothing is fetched."""
        return self._schedule

    def __repr__(self) -> str:
        state = "paused" if self._schedule.paused_at else self._schedule.next_at
        return f"<{type(self).__name__} {self.name} `{self._schedule.cron}` {self._schedule.timezone}, next {state}>"

    def detail(self) -> ScheduleDetail:
        """The schedule as it is now: what it fires, its next instant, its latest firing."""
        return self._looked(self._connection.get(self._path(), ScheduleDetail))

    def preview(self, n: int = 5) -> tuple[PlannedFiring, ...]:
        """The next `n` firings, 100 at most: when, and what the templates give; as if it were not paused."""
        return self._connection.get(self._path("preview"), tuple[PlannedFiring, ...], {"count": n})

    def pause(self, reason: str | None = None) -> ScheduleDetail:
        """Hold it back until `resume`. Instants that pass meanwhile neither fire nor count as missed."""
        request = checked(PauseRequest, {"reason": reason})
        return self._looked(self._connection.post(self._path("pause"), ScheduleDetail, request, repeatable=True))

    def resume(self) -> ScheduleDetail:
        """Go on from the next instant, with no failures counted."""
        return self._looked(self._connection.post(self._path("resume"), ScheduleDetail, repeatable=True))

    def trigger(self) -> Firing:
        """Fire it now, paused or not: the instant is this second. The sweep comes within seconds; see `wait`.

        Raises:
            Refused: it has a firing at this second.
        """
        return self._connection.post(self._path("trigger"), Firing)

    def backfill(self, start: Moment, end: Moment, *, dry_run: bool = False) -> Backfill:
        """Fire the instants in [start, end) that have not fired, those that were missed or skipped too.

        Args:
            start: First moment.
            end: Moment after the last; not later than now.
            dry_run: Only say which instants would fire.

        Raises:
            Refused: the end lies ahead, or there are more than 1,000 instants.
        """
        zone = ZoneInfo(self._schedule.timezone)
        body = {"start": _moment(start, zone), "end": _moment(end, zone), "dry_run": dry_run}
        request = checked(BackfillRequest, body)
        # Sent twice, it finds that the instants are due already.
        return self._connection.post(self._path("backfill"), Backfill, request, repeatable=dry_run)

    def history(self, *, state: FiringState | str | None = None, limit: int | None = None) -> Iterator[Firing]:
        """What became of its instants, the latest first, fetched page by page; with `state`, only those in it."""
        for page in pages(self._connection, self._path("firings"), FiringPage, {"state": state}, limit):
            yield from page.items

    def firing(self, instant: Moment) -> Firing:
        """What became of an instant.

        Raises:
            NotFound: there is no firing at that very moment.
        """
        moment = _moment(instant, ZoneInfo(self._schedule.timezone))
        return self._connection.get(self._path("firings", moment.isoformat()), Firing)

    def wait(self, firing: Firing, *, timeout: float | None = None) -> Firing:
        """Wait until a firing has ended: done, failed, cancelled, or never begun.

        Args:
            firing: One of `trigger` or `history`.
            timeout: Seconds to wait; None waits for ever.

        Raises:
            WaitTimeout: it has not ended.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while firing.state in UNFINISHED:
            if deadline is not None and time.monotonic() > deadline:
                raise WaitTimeout(f"the firing of {firing.instant} is still {firing.state} after {timeout:g} s")
            time.sleep(_POLL_SECONDS)
            firing = self.firing(firing.instant)
        return firing

    def compare(
        self,
        instants: tuple[Moment, Moment] | None = None,
        metric: "Asked | None" = None,
        threshold: float | str | None = None,
        confidence: float = 0.95,
    ) -> "Comparison":
        """What changed from one instant to another, beyond the spread over seeds; see `Client.compare`.

        Args:
            instants: Two instants that fired, the earlier first; by default the last two finished firings.
            metric: One or several.
            threshold: Smaller relative changes do not count: 0.05 or `"5%"`.
            confidence: Probability that all intervals hold at once.

        Raises:
            NotFound: there is no firing at an instant.
            Refused: there are no two finished firings, or their sweeps cannot be compared.
        """
        from holonomy.compare.firings import compare_firings  # numpy costs a third of the import time

        chosen = None if instants is None else (self.firing(instants[0]), self.firing(instants[1]))
        return compare_firings(self._connection, self, chosen, metric, threshold, confidence)

    def delete(self) -> None:
        """Delete it. What it fired stays, and its name is free."""
        self._connection.delete(self._path())

    def _path(self, *parts: str) -> str:
        return "/".join(("/v1/schedules", *(quote(part, safe="") for part in (self.name, *parts))))

    def _looked(self, detail: ScheduleDetail) -> ScheduleDetail:
        self._schedule = detail
        return detail


def _moment(value: Moment, zone: ZoneInfo) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Refused(f"expected a time such as 2026-11-20 or 2026-11-20T02:30+01:00; came {value!r}") from None
    elif not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return value.replace(tzinfo=zone) if value.tzinfo is None else value
