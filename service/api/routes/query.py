"""Queries in SQL, as the role that may only read results."""

import structlog
from fastapi import APIRouter, Response

from service.api import problems, row_stream
from service.api.backend import Services
from service.api.bodies import QueryBody
from service.api.identity import Reader
from service.api.open_rows import OpenRows
from service.api.problems import ProblemError, documented
from service.api.query_faults import told
from service.api.row_stream import ARROW, ROWS, Accept
from service.db.arrow_faults import QueryFault
from service.db.catalog import result_views
from service.db.statement import ready

router = APIRouter(prefix="/v1", tags=["query"])

log = structlog.get_logger("holonomy.api")


@router.post("/query", response_class=Response, responses={200: ROWS, **documented("invalid")})
def query(asked: QueryBody, services: Services, _: Reader, accept: Accept = ARROW) -> Response:
    """Run one statement on the views of schema `results`, as a role that may only read them.

    Where there are more rows than `limit`, one more than that is sent. What fails before the first rows is a problem
    with one line; what fails later cuts the stream, which then lacks its end.
    """
    if services.reader is None:
        raise problems.unavailable(
            "this service takes no queries: set HOLONOMY_READER_DATABASE_URL to what "
            "`holonomy db credentials --read-only` prints, and start the API again"
        )
    statement = ready(asked.sql, asked.parameters)
    try:
        rows = OpenRows(services.reader, statement.sql, services.query_slots, timeout_seconds=asked.timeout_seconds)
    except QueryFault as fault:
        answer = told(fault, statement, asked.timeout_seconds, lambda: _views(services))
        if answer.status_code == 503:
            log.warning("no queries", reason=problems.one_line(str(fault)))
        raise answer from None
    if not rows.schema.names:
        rows.close()
        raise ProblemError("invalid", "query: expected a statement that gives columns, such as a select")
    return row_stream.answer(rows, rows.schema, accept, asked.limit + 1)


def _views(services: Services) -> dict[str, tuple[str, ...]]:
    with services.engine.connect() as connection:
        return result_views(connection)
