import json

import pyarrow as pa

from service.api import table_query, table_stream

QUERY = table_query.parse("pairs", "i,gauss_newton_norm,object", [], None, None)
BATCHES = [[(1, 0.5, "a"), (2, None, "b")], [(3, float("nan"), "ü")]]


def read(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(pa.py_buffer(data)).read_all()


def test_arrow_gives_typed_columns_with_their_meaning() -> None:
    chunks = list(table_stream.arrow_chunks(BATCHES, table_stream.arrow_schema(QUERY, 7)))
    assert len(chunks) == len(BATCHES) + 1
    table = read(b"".join(chunks))
    assert table.column_names == ["i", "gauss_newton_norm", "object"]
    assert table["i"].to_pylist() == [1, 2, 3]
    assert table["gauss_newton_norm"].to_pylist()[:2] == [0.5, None]
    assert table.schema.metadata == {b"table": b"pairs", b"job_id": b"7"}
    assert table.schema.field("i").metadata[b"meaning"].startswith(b"Train-split index")
    assert table.schema.field("i").metadata[b"unit"] == b"index"
    assert b"sign" not in table.schema.field("i").metadata


def test_signs_go_with_the_fields() -> None:
    schema = table_stream.arrow_schema(table_query.parse("projections", "value", [], None, None), 7)
    assert schema.field("value").metadata[b"sign"].startswith(b"positive where i before j")


def test_no_rows_are_still_a_table() -> None:
    table = read(b"".join(table_stream.arrow_chunks([], table_stream.arrow_schema(QUERY, 7))))
    assert table.num_rows == 0
    assert table.schema.names == ["i", "gauss_newton_norm", "object"]
    assert json.loads(b"".join(table_stream.json_chunks([], QUERY.columns))) == []


def test_json_gives_objects_and_null_for_nan() -> None:
    assert json.loads(b"".join(table_stream.json_chunks(BATCHES, QUERY.columns))) == [
        {"i": 1, "gauss_newton_norm": 0.5, "object": "a"},
        {"i": 2, "gauss_newton_norm": None, "object": "b"},
        {"i": 3, "gauss_newton_norm": None, "object": "ü"},
    ]
