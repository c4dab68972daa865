"""Result tables, of one job or across jobs."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from schemas.results import RESULT_TABLES
from service.api import row_stream, table_query
from service.api.backend import Backend, Services
from service.api.identity import Reader
from service.api.open_rows import OpenRows
from service.api.parameters import LARGEST_NUMBER, Number
from service.api.problems import ProblemError, documented
from service.api.row_stream import ARROW, ROWS, Accept
from service.api.table_query import OPERATORS
from service.api.table_schema import arrow_schema
from service.queue import jobs
from service.queue.selection import selected

TABLE_SECONDS = 3600.0
"""Longest a table may take to be read."""
PAUSE_SECONDS = 60.0
"""Longest the database may take to give a batch, and a client to take it."""

router = APIRouter(prefix="/v1", tags=["tables"])

TableName = Annotated[str, Path(description=f"One of {', '.join(RESULT_TABLES)}.")]
Columns = Annotated[str | None, Query(description="Columns, separated by commas; all by default.")]
Where = Annotated[
    list[str],
    Query(
        max_length=50,
        description=f"`column:operator:value`, repeatable, all must hold. Operators: {', '.join(OPERATORS)}.",
    ),
]
OrderBy = Annotated[
    str | None,
    Query(description="Columns, separated by commas, `-` in front for descending. Ties come in key order."),
]
Limit = Annotated[int | None, Query(ge=0, le=LARGEST_NUMBER, description="Most rows; all by default.")]
Numbers = list[Annotated[int, Query(ge=1, le=LARGEST_NUMBER)]]
Jobs = Annotated[Numbers, Query(alias="job", max_length=1000, description="Number of a job, repeatable.")]
Sweeps = Annotated[
    Numbers, Query(alias="sweep", max_length=1000, description="Number of a sweep, repeatable: all its jobs.")
]

_ANSWER = {200: ROWS, **documented("not_found", "invalid")}


@router.get("/jobs/{job_id}/tables/{table}", response_class=Response, responses=_ANSWER)
def read_table(
    job_id: Number,
    table: TableName,
    services: Services,
    _: Reader,
    columns: Columns = None,
    where: Where = [],  # noqa: B006 - FastAPI copies defaults
    order_by: OrderBy = None,
    limit: Limit = None,
    accept: Accept = ARROW,
) -> Response:
    """Rows of a result table, with columns, filters, order and limit applied in the database.

    What the columns mean is in the data dictionary, and in the metadata of the Arrow fields. A table that this kind
    of job does not fill is empty. The rows are streamed: an Arrow stream without its end marker was cut off.
    """
    query = table_query.parse(table, columns, where, order_by, limit)
    with services.engine.connect() as connection:
        jobs.job(connection, job_id)
    return row_stream.answer(_open(services, query.of_job(job_id)), arrow_schema(query, job_id), accept)


@router.get("/tables/{table}", response_class=Response, responses=_ANSWER)
def read_across(
    table: TableName,
    services: Services,
    _: Reader,
    of_jobs: Jobs = [],  # noqa: B006 - FastAPI copies defaults
    of_sweeps: Sweeps = [],  # noqa: B006 - FastAPI copies defaults
    columns: Columns = None,
    where: Where = [],  # noqa: B006 - FastAPI copies defaults
    order_by: OrderBy = None,
    limit: Limit = None,
    accept: Accept = ARROW,
) -> Response:
    """Rows of a result table over several jobs, those named and those of the sweeps named, with `job_id` first.

    Without an order they come job by job. With an order and a limit, the first of each job are found by index.
    """
    query = table_query.parse(table, columns, where, order_by, limit)
    if not of_jobs and not of_sweeps:
        raise ProblemError("invalid", "name the jobs whose rows are wanted: job=NUMBER or sweep=NUMBER, repeatable")
    with services.engine.connect() as connection:
        job_ids = selected(connection, of_jobs, of_sweeps)
    return row_stream.answer(_open(services, query.across(job_ids)), arrow_schema(query, None), accept)


def _open(services: Backend, sql: str) -> OpenRows:
    return OpenRows(
        services.rows, sql, services.table_slots, timeout_seconds=TABLE_SECONDS, pause_seconds=PAUSE_SECONDS
    )
