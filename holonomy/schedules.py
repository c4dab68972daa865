"""Schedules: sweeps and jobs that the service fires at cron instants."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from holonomy.checked import checked
from holonomy.connection import Connection
from holonomy.names import check_name
from holonomy.pages import pages
from holonomy.schedule import ScheduleHandle
from schemas.jobs import DEFAULT_PROJECT, AnyJob
from schemas.schedules import PlannedFiring, ScheduleDetail, SchedulePage, ScheduleRequest
from schemas.states import Overlap
from schemas.sweeps import Sweep


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
    return checked(ScheduleRequest, body)
