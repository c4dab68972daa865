"""Schedules: what they fire and when, and the bodies of the HTTP API about them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator

from schemas.api import Body, Page
from schemas.base import Name, Spec
from schemas.crontab import Cron, Timezone
from schemas.durations import Duration, seconds_of
from schemas.jobs import DEFAULT_PROJECT, AnyJob, Limit, Priority
from schemas.states import FiringState, Origin, Overlap
from schemas.sweeps import Sweep
from schemas.templates import Template

LEAST_CATCH_UP_SECONDS = 60
MOST_BACKFILLED = 1_000
"""Instants of one backfill."""
MOST_PREVIEWED = 100
UNFINISHED = frozenset({FiringState.DUE, FiringState.WAITING, FiringState.RUNNING})
"""States of firings that have not ended."""
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


def _wide_enough(catch_up: str) -> str:
    if seconds_of(catch_up) < LEAST_CATCH_UP_SECONDS:
        raise ValueError(f"expected 1m or more, since a scheduler may take that long to start; came {catch_up}")
    return catch_up


class Work(Spec):
    """What a schedule fires: a sweep, or a job, which is a sweep of one point."""

    sweep: Annotated[Sweep | AnyJob, Field(discriminator="kind")]
    """The sweep or the job."""
    templates: dict[str, Template] = Field(default_factory=dict)
    """Fields of the sweep or job that follow the instant: a template by the path of its field, such as
    `base.training.seed` of a sweep, `training.seed` of a job."""
    label: Template | None = None
    """Name of the sweeps fired; the schedule's name and the instant by default."""
    tags: Annotated[tuple[Template, ...], Field(max_length=50)] = ()
    """Labels of the sweeps fired and of their jobs."""
    project: Name = DEFAULT_PROJECT
    """The project that they belong to; one that is new is made."""
    priority: Priority = 0
    """Higher goes first."""
    fresh: bool = True
    """Compute anew at every instant; without it, what was computed before is found again."""
    max_running_jobs: Limit | None = None
    """At most this many jobs of a sweep run at once."""
    max_running_blocks: Limit | None = None
    """At most this many blocks of a sweep run at once."""


class ScheduleRequest(Work):
    """A schedule to make, or to put in the place of the one of this name."""

    name: Name
    """Its name."""
    cron: Cron
    """Minute, hour, day of the month, month, day of the week."""
    timezone: Timezone = "UTC"
    """Whose clock the expression is about, as the IANA database names it."""
    overlap: Overlap = Overlap.SKIP
    """What happens at an instant while an earlier firing still runs."""
    catch_up: Annotated[Duration, AfterValidator(_wide_enough)] = "1h"
    """How late an instant may fire when no scheduler ran; later ones are recorded as missed. At least 1m."""
    jitter: Duration = "0s"
    """Longest delay after an instant; how long is drawn once for each, so that schedules of one minute spread."""
    max_failures: Annotated[int, Field(ge=1, le=100)] | None = 3
    """Firings in a row that fail before the schedule pauses; null never pauses it."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.timezone)

    @property
    def longest_jitter(self) -> timedelta:
        """The jitter as a length of time."""
        return timedelta(seconds=seconds_of(self.jitter))

    @property
    def work(self) -> Work:
        """What is fired, without when."""
        return Work.model_validate(self.model_dump(include=set(Work.model_fields)))


class Firing(Body):
    """An instant of a schedule, and what became of it."""

    instant: datetime
    """The moment that cron names, or that was asked for."""
    origin: Origin
    """Where it comes from."""
    state: FiringState
    """Where it stands."""
    due_at: datetime
    """The instant with its jitter."""
    fired_at: datetime | None
    """When its sweep was submitted."""
    finished_at: datetime | None
    """When it was settled."""
    sweep_id: int | None
    """Its sweep."""
    reason: str | None
    """Why it did not fire, or how it failed."""


class FiringPage(Page):
    """Firings, latest instant first."""

    items: tuple[Firing, ...]
    """Firings."""


class Schedule(Body):
    """A schedule as the API lists it."""

    id: int
    """Number of the schedule."""
    name: str
    """Its name."""
    cron: str
    """Minute, hour, day of the month, month, day of the week."""
    timezone: str
    """Whose clock the expression is about."""
    overlap: Overlap
    """What happens at an instant while an earlier firing still runs."""
    catch_up: Duration
    """How late an instant may fire."""
    jitter: Duration
    """Longest delay after an instant."""
    max_failures: int | None
    """Firings in a row that fail before it pauses."""
    failures: int
    """Firings in a row that failed, up to the latest."""
    created_by: str
    """Name of the token that made it."""
    created_at: datetime
    """When it was made."""
    updated_at: datetime
    """When it was last replaced, paused or resumed by somebody."""
    paused_at: datetime | None
    """Since when it is paused."""
    pause_reason: str | None
    """Why it is paused."""
    next_at: datetime | None
    """Its next instant; null while it is paused."""
    last: Firing | None
    """Its latest firing."""


class ScheduleDetail(Schedule):
    """A schedule with what it fires."""

    work: Work
    """The sweep or job, its templates and its limits."""

    @property
    def request(self) -> ScheduleRequest:
        """The request that would make it again."""
        when = self.model_dump(include=set(ScheduleRequest.model_fields))
        return ScheduleRequest.model_validate({**self.work.model_dump(), **when})


class SchedulePage(Page):
    """Schedules in the order in which they were made."""

    items: tuple[Schedule, ...]
    """Schedules."""


class PlannedFiring(Body):
    """A firing that would come."""

    instant: datetime
    """The instant, in the schedule's zone."""
    due_at: datetime | None
    """The instant with its jitter, which is drawn by the number of the schedule; null before there is one."""
    label: str
    """Name of its sweep."""
    tags: tuple[str, ...]
    """Tags of its sweep."""
    templated: dict[str, JsonValue]
    """Values of the fields that follow the instant, by path."""


class PauseRequest(Spec):
    """Ask for a pause."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    """Why, for those who find it paused."""


class BackfillRequest(Spec):
    """Ask for the instants of a time that has passed."""

    start: datetime
    """First moment."""
    end: datetime
    """Moment after the last."""
    dry_run: bool = False
    """Say what would be fired, and fire nothing."""

    @model_validator(mode="after")
    def _is_a_time(self) -> Self:
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment.utcoffset() is None:
                raise ValueError(f"{name}: expected a time with its zone, as 2026-11-20T00:00+01:00; came {moment}")
        if self.start < _FIRST:
            raise ValueError(f"start: expected a time in this century; came {self.start}")
        if self.end <= self.start:
            raise ValueError(f"expected an end after the start; came {self.start} to {self.end}")
        return self


class Backfill(Body):
    """The answer to a backfill: what fires now, or would."""

    fired: tuple[datetime, ...]
    """Instants that fire, in the schedule's zone; those that were missed or skipped are among them."""
    kept: tuple[Firing, ...]
    """Instants that had fired already and are left as they are."""
    dry_run: bool
    """Whether this was only a question."""
