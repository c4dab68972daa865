import datetime as dt
import json

import pyarrow as pa

from service.api import row_stream

SCHEMA = pa.schema([pa.field("i", pa.int64(), metadata={"unit": "index"}), ("x", pa.float64()), ("t", pa.string())])
ROWS = [
    [{"i": 1, "x": 0.5, "t": "a"}, {"i": 2, "x": None, "t": "b"}],
    [{"i": 3, "x": float("nan"), "t": "ü"}],
]
BATCHES = [pa.RecordBatch.from_pylist(rows, pa.schema([(f.name, f.type) for f in SCHEMA])) for rows in ROWS]


def read(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(pa.py_buffer(data)).read_all()


def test_arrow_gives_the_batches_with_what_is_said_of_their_columns() -> None:
    chunks = list(row_stream.arrow_chunks(BATCHES, SCHEMA))
    assert len(chunks) == len(BATCHES) + 1
    table = read(b"".join(chunks))
    assert table["i"].to_pylist() == [1, 2, 3]
    assert table["x"].to_pylist()[:2] == [0.5, None]
    assert table.schema.field("i").metadata == {b"unit": b"index"}


def test_no_rows_are_still_a_table() -> None:
    table = read(b"".join(row_stream.arrow_chunks([], SCHEMA)))
    assert (table.num_rows, table.schema.names) == (0, ["i", "x", "t"])
    assert json.loads(b"".join(row_stream.json_chunks([]))) == []


def test_json_gives_objects_and_null_for_nan() -> None:
    assert json.loads(b"".join(row_stream.json_chunks(BATCHES))) == [
        {"i": 1, "x": 0.5, "t": "a"},
        {"i": 2, "x": None, "t": "b"},
        {"i": 3, "x": None, "t": "ü"},
    ]


def test_json_spells_what_it_has_no_type_for() -> None:
    row = {
        "at": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
        "on": dt.date(2026, 1, 2),
        "took": dt.timedelta(seconds=1.5),
        "bytes": b"\x00\xff",
        "list": [1.0, float("inf")],
    }
    [spelled] = json.loads(b"".join(row_stream.json_chunks([pa.RecordBatch.from_pylist([row])])))
    assert spelled == {
        "at": "2026-01-02T03:04:05+00:00",
        "on": "2026-01-02",
        "took": 1.5,
        "bytes": "00ff",
        "list": [1.0, None],
    }
