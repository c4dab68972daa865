"""Result tables of a job."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response

from schemas.results import RESULT_TABLES
from service.api import table_query
from service.api.backend import Services
from service.api.closing import ClosingStream
from service.api.identity import Reader
from service.api.parameters import LARGEST_NUMBER, Number
from service.api.problems import documented
from service.api.table_query import OPERATORS
from service.api.table_rows import OpenRows
from service.api.table_stream import ARROW, JSON, arrow_chunks, arrow_schema, json_chunks
from service.db.results import results
from service.queue import jobs

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["tables"])

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
Accept = Annotated[str, Header(description=f"`{ARROW}` (default) or `{JSON}`.")]

_ROWS = {
    "description": "The rows: an Arrow IPC stream, or a JSON array of objects.",
    "content": {
        ARROW: {"schema": {"type": "string", "format": "binary"}},
        JSON: {"schema": {"type": "array", "items": {"type": "object"}}},
    },
}


@router.get("/tables/{table}", response_class=Response, responses={200: _ROWS, **documented("not_found", "invalid")})
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
    rows = OpenRows(services.engine, query.statement(results[table], job_id), services.cursor_slots)
    if JSON in accept and ARROW not in accept:
        return ClosingStream(json_chunks(rows, query.columns), rows.close, JSON)
    return ClosingStream(arrow_chunks(rows, arrow_schema(query, job_id)), rows.close, ARROW)
