"""Rows as an Arrow IPC stream or as JSON, in constant memory: record batches in, pieces of the answer out."""

import io
import json
import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from fastapi import Header

from service.api.closing import ClosingStream
from service.api.open_rows import OpenRows

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
_ENDS = datetime(1, 1, 1), datetime(9999, 12, 31)
"""Least and greatest time that is written as ISO 8601."""

Accept = Annotated[str, Header(description=f"`{ARROW}` (default) or `{JSON}`.")]
ROWS = {
    "description": "The rows: an Arrow IPC stream, or a JSON array of objects.",
    "content": {
        ARROW: {"schema": {"type": "string", "format": "binary"}},
        JSON: {"schema": {"type": "array", "items": {"type": "object"}}},
    },
}


def answer(rows: OpenRows, schema: pa.Schema, accept: str, limit: int | None = None) -> ClosingStream:
    """The answer with all rows, or with the first `limit`; they are closed when it was sent or broke off."""
    batches = rows if limit is None else _first(rows, limit)
    if JSON in accept and ARROW not in accept:
        return ClosingStream(json_chunks(batches), rows.close, JSON)
    return ClosingStream(arrow_chunks(batches, schema), rows.close, ARROW)


def _first(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.slice(0, rows)
        rows -= batch.num_rows
        if rows <= 0:
            return


def arrow_chunks(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[bytes]:
    """The stream: the schema, the record batches with what the schema says of their columns, the end marker.

    A client that does not see the end marker knows that the rows are not all there.
    """
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(pa.record_batch(batch.columns, schema=schema))
            yield _drained(sink)
    yield _drained(sink)


def _drained(sink: io.BytesIO) -> bytes:
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data


def json_chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """A JSON array with one object per row.

    Numbers that JSON does not have (NaN, infinities) become null, and so do times outside the years 1 to 9999; times
    are ISO 8601, durations seconds, bytes hexadecimal.
    """
    opening = "["
    for batch in batches:
        rows = (json.dumps(_plain(row), ensure_ascii=False, allow_nan=False) for row in _dated(batch).to_pylist())
        yield (opening + ",".join(rows)).encode()
        opening = ","
    yield b"[]" if opening == "[" else b"]"


def _dated(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with null for times that Python, and ISO 8601 in four digits, does not have."""
    return pa.record_batch([_column_dated(column) for column in batch.columns], batch.schema.names)


def _column_dated(column: pa.Array) -> pa.Array:
    if not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        return column
    least, most = (pa.scalar(end, pa.timestamp("us")).cast(column.type) for end in _ENDS)
    known = pc.and_(pc.greater_equal(column, least), pc.less_equal(column, most))
    return pc.if_else(known, column, pa.scalar(None, column.type))


def _plain(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case None | bool() | int() | str():
            return value
        case timedelta():
            return value.total_seconds()
        case bytes():
            return value.hex()
        case _:
            return value.isoformat()
