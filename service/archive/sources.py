"""What goes into the Parquet file of a table: one SELECT in key order, and the Arrow schema with meanings.

The rows come without the job's number, so that the same results make the same file.
"""

import pyarrow as pa

from schemas.archives import BLOCKS, EVENTS
from schemas.columns import ResultTable
from service.db.arrow_fields import arrow_field

_ISO = """to_char({} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_RECORDS = {
    BLOCKS.name: f"""
        select seq::bigint, phase::bigint, kind, device, attempts::bigint, runs::bigint, lost::bigint, waits::bigint,
               shrink::bigint, seconds, {_ISO.format("started_at")} as started_at,
               {_ISO.format("finished_at")} as finished_at, leased_on, payload::text as payload,
               needs::text as needs, record::text as record
        from blocks where job_id = {{job}} order by seq
    """,  # noqa: S608 - constants only
    EVENTS.name: f"""
        select row_number() over (order by e.id) as line, {_ISO.format("e.at")} as at, e.level, b.seq::bigint as seq,
               e.message, e.data::text as data
        from events e left join blocks b on b.id = e.block_id where e.job_id = {{job}} order by e.id
    """,  # noqa: S608 - constants only
}


def statement(table: ResultTable, job_id: int) -> str:
    """The rows of a job's table in key order, as SQL without parameters."""
    record = _RECORDS.get(table.name)
    if record is not None:
        return record.format(job=int(job_id))
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    keys = ", ".join(f'"{column.name}"' for column in table.columns if column.key)
    return f'select {columns} from "{table.name}" where job_id = {int(job_id)} order by {keys}'  # noqa: S608 - names from schemas.results, a number


def arrow_schema(table: ResultTable) -> pa.Schema:
    """Types of a table's columns, with meaning, unit and sign of each as metadata of its field."""
    fields = [arrow_field(column) for column in table.columns]
    return pa.schema(fields, {"table": table.name, "meaning": table.meaning})
