"""Arrow streams, cut anywhere."""

import io
from itertools import pairwise

import numpy as np
import polars
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holonomy import ServiceFault
from holonomy.arrow_stream import frames

TABLE = pa.table(
    {
        "i": pa.array(np.arange(100), pa.int64()),
        "x": pa.array([None if i % 7 == 0 else i / 3 for i in range(100)]),
        "t": pa.array([f"ü{i}" for i in range(100)]),
        "l": pa.array([[i] * (i % 3) for i in range(100)]),
        "at": pa.array(np.arange(100), pa.timestamp("us", "UTC")),
    }
)


def stream(table: pa.Table, rows: int = 40) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema.with_metadata({"table": "pairs"})) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue()


STREAM = stream(TABLE)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_however_it_is_cut_into_pieces_the_batches_come_as_they_were(places: list[int]) -> None:
    cuts = sorted({0, *places, len(STREAM)})
    pieces = [STREAM[start:end] for start, end in pairwise(cuts)]
    found = list(frames(pieces, "rows"))
    assert [frame.height for frame in found] == [40, 40, 20]
    assert polars.concat(found).equals(polars.from_arrow(TABLE))


def test_every_batch_is_there_as_soon_as_it_has_arrived() -> None:
    taken = 0

    def pieces():
        nonlocal taken
        for start in range(0, len(STREAM), 64):
            taken = start + 64
            yield STREAM[start : start + 64]

    next(iter(frames(pieces(), "rows")))
    assert taken < len(STREAM) / 2


def test_no_rows_are_a_frame_with_columns() -> None:
    [frame] = frames([stream(TABLE.slice(0, 0))], "rows")
    assert frame.schema == polars.from_arrow(TABLE).schema


@given(st.integers(1, len(STREAM)))
def test_a_stream_without_its_end_is_never_taken_for_whole(missing: int) -> None:
    with pytest.raises(ServiceFault, match="rows stopped before the end: ask again, or for less"):
        list(frames([STREAM[:-missing]], "rows"))


@pytest.mark.parametrize(
    "content",
    [
        b"<html>and so on</html>",
        b"\xff\xff\xff\xff\x08\x00\x00\x00" + b"\xff" * 64,
        b"\xff\xff\xff\xff\x10\x00\x00\x00" + bytes(64),
    ],
)
def test_what_is_no_stream_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(ServiceFault, match=r"rows did not arrive as an Arrow stream|rows stopped before the end"):
        list(frames([content], "rows"))
