"""Arrow IPC streams read as they arrive, one data frame per record batch; polars alone reads only whole ones.

A stream is a row of messages: the marker 0xFFFFFFFF, the length of the metadata (32 bits), the metadata (a flatbuffer
`Message`), and a body whose length stands in the metadata. The first message is the schema; a length of 0 ends the
stream. See "IPC Streaming Format" in Arrow's columnar format.
"""

import io
import struct
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from holonomy.errors import ServiceFault

if TYPE_CHECKING:
    import polars

ARROW = "application/vnd.apache.arrow.stream"

_MARKER = b"\xff\xff\xff\xff"
_END = _MARKER + bytes(4)
_HEADER_TYPE, _BODY_LENGTH = 1, 3
"""Numbers of two fields of a `Message`."""
_RECORD_BATCH = 3
"""Header type of a record batch."""


def frames(chunks: Iterable[bytes], what: str) -> "Iterator[polars.DataFrame]":
    """The data frames in a stream, each when it has arrived; one without rows when there is no batch.

    Args:
        chunks: The stream in any pieces.
        what: Its content, for the message of a fault.

    Raises:
        ServiceFault: this is no Arrow stream, or it stops before its end.
    """
    source = _Source(chunks, what)
    schema, _ = source.message()
    empty = True
    while True:
        message, kind = source.message()
        if kind is None:
            if empty:
                yield _frame(schema, what)
            return
        if kind == _RECORD_BATCH:
            empty = False
            yield _frame(schema + message, what)


def _frame(messages: bytes, what: str) -> "polars.DataFrame":
    import polars

    try:
        return polars.read_ipc_stream(io.BytesIO(messages + _END))
    except (polars.exceptions.PolarsError, OSError) as error:
        raise _no_stream(what, str(error)) from None


class _Source:
    """Takes messages out of chunks."""

    def __init__(self, chunks: Iterable[bytes], what: str) -> None:
        self._chunks = iter(chunks)
        self._waiting = bytearray()
        self._what = what

    def message(self) -> tuple[bytes, int | None]:
        """The next message whole and the type of its header; None for the end of the stream."""
        marker = self._take(4)
        if marker != _MARKER:
            raise _no_stream(self._what, f"expected the marker of a message; came {marker!r}")
        prefix = marker + self._take(4)
        (length,) = struct.unpack_from("<i", prefix, 4)
        if length == 0:
            return prefix, None
        metadata = self._take(length)
        try:
            kind, body_length = _field(metadata, _HEADER_TYPE, "<B"), _field(metadata, _BODY_LENGTH, "<q")
        except struct.error as error:
            raise _no_stream(self._what, str(error)) from None
        return prefix + metadata + self._take(body_length), kind

    def _take(self, count: int) -> bytes:
        while len(self._waiting) < count:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise ServiceFault(f"{self._what} stopped before the end: ask again, or for less")
            self._waiting += chunk
        taken = bytes(memoryview(self._waiting)[:count])
        del self._waiting[:count]
        return taken


def _field(metadata: bytes, number: int, kind: str) -> int:
    """A scalar of a flatbuffer's root table: 0, the default, where it is not stored."""
    (table,) = struct.unpack_from("<I", metadata)
    (back,) = struct.unpack_from("<i", metadata, table)
    (size,) = struct.unpack_from("<H", metadata, table - back)
    slot = 4 + 2 * number
    if slot >= size:
        return 0
    (offset,) = struct.unpack_from("<H", metadata, table - back + slot)
    return int(struct.unpack_from(kind, metadata, table + offset)[0]) if offset else 0


def _no_stream(what: str, why: str) -> ServiceFault:
    return ServiceFault(f"{what} did not arrive as an Arrow stream: {why}")
