"""Rows as an Arrow IPC stream or as JSON, in constant memory: record batches in, pieces of the answer out."""

import io
import json
import math
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Annotated, Any

import pyarrow as pa
from fastapi import Header

from service.api.closing import ClosingStream
from service.api.open_rows import OpenRows

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"

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

    Numbers that JSON does not have (NaN, infinities) become null; times are ISO 8601, durations seconds, bytes
    hexadecimal.
    """
    opening = "["
    for batch in batches:
        rows = (json.dumps(_plain(row), ensure_ascii=False, allow_nan=False) for row in batch.to_pylist())
        yield (opening + ",".join(rows)).encode()
        opening = ","
    yield b"[]" if opening == "[" else b"]"


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
