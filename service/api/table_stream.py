"""Rows of a result table as an Arrow IPC stream or as JSON, in constant memory.

Both take an iterator of batches of rows (tuples in column order) and give the bytes of the answer piece by piece.
"""

import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from schemas.columns import Column, ColumnType
from service.api.table_query import TableQuery

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"

Row = Sequence[object]

_TYPES: dict[ColumnType, pa.DataType] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
}


def arrow_schema(query: TableQuery, job_id: int) -> pa.Schema:
    """Types of the columns, with meaning, unit and sign of each as field metadata."""
    fields = [pa.field(c.name, _TYPES[c.type], c.nullable, _said(c)) for c in query.columns]
    return pa.schema(fields, {"table": query.table.name, "job_id": str(job_id)})


def _said(column: Column) -> dict[str, str]:
    sign = {} if column.sign is None else {"sign": column.sign}
    return {"meaning": column.meaning, "unit": column.unit, **sign}


def arrow_chunks(batches: Iterable[Sequence[Row]], schema: pa.Schema) -> Iterator[bytes]:
    """The stream: the schema, a record batch for every batch of rows, the end marker.

    A client that does not see the end marker knows that the rows are not all there.
    """
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            columns = zip(*batch, strict=True)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            yield _drained(sink)
    yield _drained(sink)


def _drained(sink: io.BytesIO) -> bytes:
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data


def json_chunks(batches: Iterable[Sequence[Row]], columns: Sequence[Column]) -> Iterator[bytes]:
    """A JSON array with one object per row; numbers that JSON does not have (NaN, infinities) become null."""
    names = [column.name for column in columns]
    opening = "["
    for batch in batches:
        rows = (dict(zip(names, map(_json_value, row), strict=True)) for row in batch)
        yield (opening + ",".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)).encode()
        opening = ","
    yield b"[]" if opening == "[" else b"]"


def _json_value(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
