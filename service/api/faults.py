"""Turns what can go wrong below the API into answers. The one place that knows which fault is which status."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from psycopg2 import errors
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import Match

from service.api import problems, validation
from service.api.context import request_id_of
from service.api.problems import ProblemError
from service.db.arrow_faults import CANCELLED, QueryFault
from service.errors import Conflict, Dropped, Missing, Refused
from service.objects import Unavailable

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

log = structlog.get_logger("holonomy.api")


def install(app: FastAPI) -> None:
    """Register the handlers. Anything they do not know ends in `RequestContext` as a 500."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    for fault in (Refused, Unavailable, QueryFault, PoolTimeout, DBAPIError):
        app.add_exception_handler(fault, _fault)


def translated(error: Exception) -> ProblemError:
    """The answer to a fault of the database, the object store or the queue.

    Raises:
        Exception: the fault itself, when it is a defect of ours and not something that passes.
    """
    match error:
        case Missing(code=kind, detail=detail):
            return ProblemError("not_found", detail, kind=kind)
        case Dropped(detail=detail):
            return ProblemError("dropped", detail)
        case Conflict(code=kind, detail=detail):
            return ProblemError("conflict", detail, kind=kind)
        case Refused(code=kind, detail=detail):
            return ProblemError("invalid", detail, kind=kind)
        case Unavailable():
            return problems.unavailable(str(error))
        case QueryFault(sqlstate=state) if state == CANCELLED:
            return problems.unavailable(_TOO_LONG)
        case QueryFault(sqlstate=str(state)) if state.startswith(("08", "53", "57")):
            return problems.unavailable(_AWAY)
        case PoolTimeout():
            return problems.unavailable("the service is busy: every database connection is in use; try again")
        case OperationalError() | InterfaceError():
            return problems.unavailable(_database_fault(error))
        case DBAPIError(connection_invalidated=True):
            return problems.unavailable("the connection to the database was lost; try again in a moment")
        case _:
            raise error


_TOO_LONG = "the database took too long over this; ask for less, or try again when it is less busy"
_AWAY = "the database does not answer; try again in a moment"


def _database_fault(error: DBAPIError) -> str:
    """What a client may know; hosts and ports are for the log."""
    match error.orig:
        case errors.QueryCanceled():
            return _TOO_LONG
        case errors.DiskFull():
            return "the database's disk is full; tell who runs it"
        case _:
            return _AWAY


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:
        error = HTTPException(405, headers={"Allow": ", ".join(_methods_at(request))})
    answer = problems.from_http(error, request.method, request.url.path)
    return problems.response(answer, request_id_of(request.scope))


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    answer = validation.problem(error.errors(), error.body, _body_model(request))
    return problems.response(answer, request_id_of(request.scope))


async def _fault(request: Request, error: Exception) -> Response:
    answer = translated(error)
    if answer.status_code == 503:
        log.warning("a part is away", detail=answer.detail, reason=problems.one_line(str(error)))
    return problems.response(answer, request_id_of(request.scope))


def _methods_at(request: Request) -> list[str]:
    """All methods that some route takes at this path: the framework names those of the first route alone."""
    return [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


def _body_model(request: Request) -> type[BaseModel] | None:
    route = request.scope.get("route")
    field = route.body_field if isinstance(route, APIRoute) else None
    annotation = field.field_info.annotation if field else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
