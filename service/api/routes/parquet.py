"""Whole tables of done jobs as Parquet files, read in ranges."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, SecurityScopes

from schemas.archives import ARCHIVED, ParquetFiles, TableFile
from service.api import identity, ranges, tickets
from service.api.backend import Backend, Services
from service.api.bodies import ParquetBody
from service.api.identity import Reader
from service.api.parameters import Number
from service.api.problems import ProblemError, documented
from service.archive import files

MEDIA_TYPE = "application/vnd.apache.parquet"

router = APIRouter(prefix="/v1", tags=["parquet"])

TableName = Annotated[str, Path(max_length=100, description=f"One of {', '.join(ARCHIVED)}.")]
Ticket = Annotated[
    str | None, Query(max_length=200, description="In place of a token; `POST /v1/parquet` gives one.")
]
_BYTES = {"description": "The file.", "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
_ERRORS = documented("not_found", "conflict", "invalid", "range")


def _admitted(
    services: Services,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(identity.bearer)],
    ticket: Ticket = None,
) -> None:
    """Lets in who has a token that may read, or a ticket that such a token asked for."""
    if credentials is None and ticket is not None:
        with services.engine.connect() as connection:
            tickets.check(connection, ticket, datetime.now(UTC))
        return
    identity.identify(SecurityScopes(["read"]), services, credentials)


_OF_JOB, _PARTITIONED = "/jobs/{job_id}/parquet/{table}", "/parquet/job_id={job_id}/{table}.parquet"
_FILE: dict[int | str, dict[str, Any]] = {200: _BYTES, 206: _BYTES, **_ERRORS}
_ADMITTED = [Depends(_admitted)]


@router.post("/parquet", responses=documented("not_found", "conflict", "invalid"))
def make_parquet(request: ParquetBody, services: Services, who: Reader) -> ParquetFiles:
    """Write tables of done jobs as Parquet files, unless they were before; and a ticket to read them with.

    The first demand for a table takes as long as its rows need to be read.
    """
    wanted = files.known(request.tables)
    made = [one.shown for job in request.jobs for one in files.ensure(_parts(services), job, wanted)]
    with services.engine.connect() as connection:
        ticket, ends = tickets.issue(connection, who.token_id, datetime.now(UTC))
    return ParquetFiles(files=tuple(made), ticket=ticket, expires_at=ends)


@router.get("/jobs/{job_id}/parquet", responses=_ERRORS)
def list_parquet(job_id: Number, services: Services, _: Reader) -> list[TableFile]:
    """The tables of a done job; with rows, bytes and SHA-256 where the file is written."""
    with services.engine.connect() as connection:
        return list(files.listed(connection, job_id))


@router.head(_OF_JOB, include_in_schema=False, dependencies=_ADMITTED)
@router.head(_PARTITIONED, include_in_schema=False, dependencies=_ADMITTED)
@router.get(_OF_JOB, response_class=StreamingResponse, responses=_FILE, dependencies=_ADMITTED)
@router.get(_PARTITIONED, response_class=StreamingResponse, responses=_FILE, dependencies=_ADMITTED)
def get_parquet(job_id: Number, table: TableName, request: Request, services: Services) -> Response:
    """A table of a done job, or the range of bytes asked for; written on first demand.

    Rows are in key order, without the job's number; the address with `job_id=` gives readers of partitioned Parquet
    that column back. The `ETag` is the SHA-256.
    """
    (wanted,) = files.known([table])
    made = next(files.ensure(_parts(services), job_id, [wanted]), None)
    if made is None:
        raise ProblemError("not_found", f"jobs of the kind of job {job_id} have no table {table!r}")
    return ranges.respond(request, services.objects, made, MEDIA_TYPE)


def _parts(services: Backend) -> files.Parts:
    return files.Parts(services.engine, services.rows, services.objects, services.archivists)
