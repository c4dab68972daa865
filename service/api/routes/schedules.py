"""Schedules: make and replace, look at, pause, fire by hand, delete."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime
from sqlalchemy import Connection, text

from schemas.mistakes import NAME, InvalidSpec
from schemas.schedules import (
    MOST_PREVIEWED,
    Backfill,
    BackfillRequest,
    Firing,
    FiringPage,
    PlannedFiring,
    ScheduleDetail,
    SchedulePage,
    ScheduleRequest,
)
from schemas.states import FiringState
from service.api import cursors
from service.api.backend import Backend, Services
from service.api.bodies import PauseBody, ScheduleBody
from service.api.identity import Reader, Submitter
from service.api.parameters import Cursor, PageSize
from service.api.problems import ProblemError, documented
from service.errors import Refused
from service.scheduler import by_hand, history, schedules

router = APIRouter(prefix="/v1/schedules", tags=["schedules"])

ScheduleName = Annotated[str, Path(pattern=NAME, description="Its name.")]
FiringIn = Annotated[FiringState | None, Query(alias="state", description="Only firings in this state.")]
Instant = Annotated[AwareDatetime, Path(description="The moment, with its zone.")]
Count = Annotated[int, Query(ge=1, le=MOST_PREVIEWED, description="How many.")]

_NO_SCHEDULE = documented("not_found", "invalid")
_NOW = text("select clock_timestamp()")


def _now(connection: Connection) -> datetime:
    moment: datetime = connection.execute(_NOW).scalar_one()
    return moment


def _considered(services: Backend, name: str) -> datetime:
    """The time, up to which every instant of the schedule has its row."""
    with services.engine.connect() as connection:
        now = _now(connection)
    schedules.bring_up_to_date(services.engine, name, now)
    return now


@router.post("", status_code=201, responses=documented("not_found", "conflict", "invalid"))
def create_schedule(request: ScheduleBody, services: Services, who: Submitter) -> ScheduleDetail:
    """Make a schedule. What it fires is checked as its first sweep would be."""
    with services.engine.begin() as connection:
        schedules.create(connection, request, created_by=who.name, now=_now(connection))
        return history.schedule(connection, request.name)


@router.put(
    "/{name}",
    responses={
        201: {"model": ScheduleDetail, "description": "There was none of this name, and it was made."},
        **_NO_SCHEDULE,
        **documented("conflict"),
    },
)
def replace_schedule(
    name: ScheduleName, request: ScheduleBody, response: Response, services: Services, who: Submitter
) -> ScheduleDetail:
    """Put a schedule in the place of the one of this name, or make it. The history stays, and so does a pause."""
    if request.name != name:
        raise ProblemError(
            "invalid", f"expected a schedule named {name!r} as the address says; came {request.name!r}"
        )
    now = _considered(services, name)
    with services.engine.begin() as connection:
        created = schedules.replace(connection, request, created_by=who.name, now=now)
        response.status_code = 201 if created else 200
        return history.schedule(connection, name)


@router.post("/preview", responses=documented("invalid"))
def preview_request(request: ScheduleBody, services: Services, _: Reader, count: Count = 5) -> list[PlannedFiring]:
    """The first firings that a schedule would have, were it made now. Nothing is stored."""
    with services.engine.connect() as connection:
        now = _now(connection)
    return _coming(None, request, now, count)


@router.get("", responses=documented("invalid"))
def list_schedules(services: Services, _: Reader, cursor: Cursor = None, limit: PageSize = 50) -> SchedulePage:
    """Schedules, in the order in which they were made."""
    after = cursors.decode("schedules", cursor)
    with services.engine.connect() as connection:
        page = history.page(connection, cursor=after, limit=limit)
    return page.model_copy(update={"next": cursors.encode("schedules", page.next)})


@router.get("/{name}", responses=_NO_SCHEDULE)
def get_schedule(name: ScheduleName, services: Services, _: Reader) -> ScheduleDetail:
    """A schedule with what it fires, its next instant and its latest firing."""
    with services.engine.connect() as connection:
        return history.schedule(connection, name)


@router.get("/{name}/preview", responses=_NO_SCHEDULE)
def preview_schedule(name: ScheduleName, services: Services, _: Reader, count: Count = 5) -> list[PlannedFiring]:
    """The next firings, were the schedule not paused and nothing skipped."""
    with services.engine.connect() as connection:
        found, now = history.schedule(connection, name), _now(connection)
    return _coming(found.id, found.request, now, count)


@router.get("/{name}/firings", responses=_NO_SCHEDULE)
def list_firings(
    name: ScheduleName,
    services: Services,
    _: Reader,
    state: FiringIn = None,
    cursor: Cursor = None,
    limit: PageSize = 50,
) -> FiringPage:
    """What became of a schedule's instants, the latest first."""
    before = cursors.decode("firings", cursor)
    with services.engine.connect() as connection:
        page = history.firings(connection, name, state=state, cursor=before, limit=limit)
    return page.model_copy(update={"next": cursors.encode("firings", page.next)})


@router.get("/{name}/firings/{instant}", responses=_NO_SCHEDULE)
def get_firing(name: ScheduleName, instant: Instant, services: Services, _: Reader) -> Firing:
    """What became of an instant."""
    with services.engine.connect() as connection:
        return history.firing(connection, name, instant)


@router.post("/{name}/pause", responses=_NO_SCHEDULE)
def pause_schedule(name: ScheduleName, request: PauseBody, services: Services, _: Submitter) -> ScheduleDetail:
    """Hold a schedule back. Instants that pass meanwhile neither fire nor count as missed."""
    now = _considered(services, name)
    with services.engine.begin() as connection:
        schedules.pause(connection, name, reason=request.reason, now=now)
        return history.schedule(connection, name)


@router.post("/{name}/resume", responses=_NO_SCHEDULE)
def resume_schedule(name: ScheduleName, services: Services, _: Submitter) -> ScheduleDetail:
    """Go on with a paused schedule, from its next instant."""
    with services.engine.begin() as connection:
        schedules.resume(connection, name, now=_now(connection))
        return history.schedule(connection, name)


@router.post("/{name}/trigger", status_code=201, responses={**_NO_SCHEDULE, **documented("conflict")})
def trigger_schedule(name: ScheduleName, services: Services, _: Submitter) -> Firing:
    """Fire a schedule now, paused or not. A scheduler submits the sweep within seconds."""
    with services.engine.begin() as connection:
        return by_hand.trigger(connection, name, now=_now(connection))


@router.post("/{name}/backfill", responses=_NO_SCHEDULE)
def backfill_schedule(name: ScheduleName, request: BackfillRequest, services: Services, _: Submitter) -> Backfill:
    """Fire the instants of a time that has passed, those that were missed or skipped too; or say which they are."""
    now = _considered(services, name)
    with services.engine.begin() as connection:
        return by_hand.backfill(connection, name, request, now=now)


@router.delete("/{name}", status_code=204, responses=_NO_SCHEDULE)
def delete_schedule(name: ScheduleName, services: Services, _: Submitter) -> None:
    """Delete a schedule. What it fired stays, with its history in the database; its name is free."""
    now = _considered(services, name)
    with services.engine.begin() as connection:
        schedules.delete(connection, name, now=now)


def _coming(schedule_id: int | None, request: ScheduleRequest, now: datetime, count: int) -> list[PlannedFiring]:
    try:
        return list(history.coming(schedule_id, request, now, count))
    except InvalidSpec as error:
        raise Refused("invalid_schedule", str(error)) from None
