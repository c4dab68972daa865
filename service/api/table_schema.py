"""Arrow schemas of result tables, in which every column says what it means."""

import pyarrow as pa

from schemas.columns import JOB_ID, Column, ColumnType
from schemas.comments import Comment
from service.api.table_query import TableQuery

_TYPES: dict[ColumnType, pa.DataType] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
}


def arrow_schema(query: TableQuery, job_id: int | None) -> pa.Schema:
    """Types of the columns, with meaning, unit and sign of each as field metadata.

    Args:
        query: what is read.
        job_id: the job it is read of; None for several, whose rows begin with `job_id`.
    """
    fields = [_field(column) for column in query.columns]
    if job_id is not None:
        return pa.schema(fields, {"table": query.table.name, "job_id": str(job_id)})
    number = pa.field("job_id", pa.int64(), nullable=False, metadata=_said(JOB_ID))
    return pa.schema([number, *fields], {"table": query.table.name})


def _field(column: Column) -> pa.Field:
    comment = Comment(column.meaning, column.unit, column.sign)
    return pa.field(column.name, _TYPES[column.type], column.nullable, _said(comment))


def _said(comment: Comment) -> dict[str, str]:
    sign = {} if comment.sign is None else {"sign": comment.sign}
    return {"meaning": comment.meaning, "unit": comment.unit, **sign}
