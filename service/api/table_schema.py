"""Arrow schemas of result tables, in which every column says what it means."""

import pyarrow as pa

from schemas.columns import JOB_ID
from service.api.table_query import TableQuery
from service.db.arrow_fields import arrow_field, said


def arrow_schema(query: TableQuery, job_id: int | None) -> pa.Schema:
    """Types of the columns, with meaning, unit and sign of each as field metadata.

    Args:
        query: what is read.
        job_id: the job it is read of; None for several, whose rows begin with `job_id`.
    """
    fields = [arrow_field(column) for column in query.columns]
    if job_id is not None:
        return pa.schema(fields, {"table": query.table.name, "job_id": str(job_id)})
    number = pa.field("job_id", pa.int64(), nullable=False, metadata=said(JOB_ID))
    return pa.schema([number, *fields], {"table": query.table.name})
