"""Schedules: sweeps and jobs that the service fires at cron instants, and what became of each instant."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from holonomy.connection import Connection
from holonomy.errors import Refused, WaitTimeout
from holonomy.names import check_name
from holonomy.pages import pages
from schemas.base import Spec
from schemas.jobs import DEFAULT_PROJECT, AnyJob
from schemas.mistakes import explain
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
    SchedulePage,
    ScheduleRequest,
)
from schemas.states import FiringState, Overlap
from schemas.sweeps import Sweep

if TYPE_CHECKING:
    from holonomy.compare.comparison import Asked, Comparison

S = TypeVar("S", bound=Spec)
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
        request = _checked(PauseRequest, {"reason": reason})
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
        request = _checked(BackfillRequest, body)
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


class Schedules:
    """What the service fires by itself.

    Example:
        >>> nightly = client.schedules.create(
        ...     "nightly", cron="30 2 * * *", timezone="Europe/Berlin", sweep=Sweep(base=training, seeds=5),
        ...     templates={"base.seed": "{instant:%Y%m%d}00"},
        ... )
        >>> nightly.preview(3)
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        name: str,
        *,
        cron: str,
        sweep: Sweep | AnyJob,
        timezone: str = "UTC",
        overlap: Overlap | str = Overlap.SKIP,
        catch_up: str = "1h",
        jitter: str = "0s",
        max_failures: int | None = 3,
        templates: Mapping[str, str] | None = None,
        label: str | None = None,
        tags: Sequence[str] = (),
        project: str = DEFAULT_PROJECT,
        priority: int = 0,
        fresh: bool = True,
        max_running_jobs: int | None = None,
        max_running_blocks: int | None = None,
        replace: bool = False,
    ) -> ScheduleHandle:
        """Make a schedule.

        Args:
            name: Its name.
            cron: Minute, hour, day of the month, month, day of the week.
            sweep: The sweep, or the job, to fire.
            timezone: Whose clock the expression is about.
            overlap: `skip`, `queue`, `cancel-previous` or `allow`: what happens while an earlier firing still runs.
            catch_up: How late an instant may fire when no scheduler ran, such as `1h`; later ones are missed.
            jitter: Longest delay after an instant.
            max_failures: Failures in a row after which it pauses; None never pauses it.
            templates: Fields of the sweep or job that follow the instant, by path: see `schemas.templates`.
            label: Name of the sweeps fired, a template; the schedule's name and the instant by default.
            tags: Tags of the sweeps fired and of their jobs, templates too.
            project: The project that they belong to.
            priority: From -100 to 100; higher goes first.
            fresh: Compute anew at every instant.
            max_running_jobs: At most this many jobs of a sweep run at once.
            max_running_blocks: At most this many blocks of a sweep run at once.
            replace: Put it in the place of the schedule of this name, if there is one, which keeps its history.

        Raises:
            Refused: the expression or the zone is not valid, the service would not accept the sweep, or the name
                is taken.
            NotFound: a dataset that it needs is not there.
        """
        request = schedule_request(
            {
                "name": name,
                "cron": cron,
                "sweep": sweep,
                "timezone": timezone,
                "overlap": overlap,
                "catch_up": catch_up,
                "jitter": jitter,
                "max_failures": max_failures,
                "templates": dict(templates or {}),
                "label": label,
                "tags": tuple(tags),
                "project": project,
                "priority": priority,
                "fresh": fresh,
                "max_running_jobs": max_running_jobs,
                "max_running_blocks": max_running_blocks,
            }
        )
        return self.submit(request, replace=replace)

    def submit(self, request: ScheduleRequest, *, replace: bool = False) -> ScheduleHandle:
        """Make a schedule of a whole request, such as `get(name).detail().request` with a change."""
        if replace:
            path = f"/v1/schedules/{request.name}"
            return ScheduleHandle(self._connection, self._connection.put_json(path, ScheduleDetail, request))
        return ScheduleHandle(self._connection, self._connection.post("/v1/schedules", ScheduleDetail, request))

    def preview(self, request: ScheduleRequest, n: int = 5) -> tuple[PlannedFiring, ...]:
        """The first `n` firings that a schedule would have, were it made now; nothing is stored."""
        answer = tuple[PlannedFiring, ...]
        return self._connection.post("/v1/schedules/preview", answer, request, query={"count": n}, repeatable=True)

    def get(self, name: str) -> ScheduleHandle:
        """The handle of a schedule.

        Raises:
            NotFound: there is none of this name.
        """
        check_name("schedule", name)
        found = self._connection.get(f"/v1/schedules/{name}", ScheduleDetail)
        return ScheduleHandle(self._connection, found)

    def list(self) -> Iterator[ScheduleHandle]:
        """Handles of all schedules in the order in which they were made, fetched page by page."""
        for page in pages(self._connection, "/v1/schedules", SchedulePage, {}):
            yield from (ScheduleHandle(self._connection, schedule) for schedule in page.items)


def schedule_request(body: Mapping[str, Any]) -> ScheduleRequest:
    """The request for a schedule, checked.

    Raises:
        Refused: a field is not what it should be; the message says which and why.
    """
    return _checked(ScheduleRequest, body)


def _checked(model: type[S], body: Mapping[str, Any]) -> S:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise Refused(explain(error, model, body)) from None


def _moment(value: Moment, zone: ZoneInfo) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Refused(f"expected a time such as 2026-11-20 or 2026-11-20T02:30+01:00; came {value!r}") from None
    elif not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return value.replace(tzinfo=zone) if value.tzinfo is None else value
