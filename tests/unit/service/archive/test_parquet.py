"""The same rows are the same file, however they arrive."""

from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.archives import EVENTS
from schemas.training_results import CHECKPOINTS, TRAINING_STEPS
from service.archive import parquet
from service.archive.sources import arrow_schema

ROWS = 1_000


def steps(rows: int = ROWS) -> pa.RecordBatch:
    schema = arrow_schema(TRAINING_STEPS)
    columns = [pa.array(range(rows)), *(pa.array([0.5 * k for k in range(rows)]) for _ in schema.names[1:])]
    return pa.record_batch([column.cast(field.type) for column, field in zip(columns, schema, strict=True)], schema)


def cut(batch: pa.RecordBatch, at: list[int]) -> list[pa.RecordBatch]:
    edges = [0, *sorted(at), batch.num_rows]
    return [batch.slice(start, stop - start) for start, stop in pairwise(edges)]


@settings(max_examples=20)
@given(at=st.lists(st.integers(0, ROWS), max_size=6))
def test_batches_of_any_size_make_the_same_bytes(tmp_path_factory, at) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROW_GROUP", 256)
        assert parquet.write(TRAINING_STEPS, [steps()], folder / "one") == ROWS
        assert parquet.write(TRAINING_STEPS, cut(steps(), at), folder / "cut") == ROWS
    assert (folder / "one").read_bytes() == (folder / "cut").read_bytes()
    metadata = pq.read_metadata(folder / "cut")
    assert [metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)] == [256, 256, 256, 232]
    assert pq.read_table(folder / "cut").to_pylist() == steps().to_pylist()


def test_row_groups_carry_least_and_greatest_values(tmp_path) -> None:
    parquet.write(TRAINING_STEPS, [steps()], tmp_path / "file")
    statistics = pq.read_metadata(tmp_path / "file").row_group(0).column(0).statistics
    assert (statistics.min, statistics.max) == (0, ROWS - 1)
    assert pq.read_metadata(tmp_path / "file").row_group(0).sorting_columns == (pq.SortingColumn(0),)


def test_columns_say_what_they_are(tmp_path) -> None:
    assert parquet.write(CHECKPOINTS, [], tmp_path / "file") == 0
    schema = pq.read_schema(tmp_path / "file")
    column = CHECKPOINTS.column("train_loss")
    assert schema.field("train_loss").metadata[b"meaning"].decode() == column.meaning
    assert schema.field("train_loss").metadata[b"unit"].decode() == column.unit
    assert schema.metadata[b"table"] == b"checkpoints"


def test_columns_that_may_be_null_are(tmp_path) -> None:
    rows = {"line": [1, 2], "at": ["a", "b"], "level": ["info"] * 2, "seq": [None, 3], "message": ["", "é"]}
    batch = pa.RecordBatch.from_pydict({**rows, "data": ["{}", "{}"]})
    parquet.write(EVENTS, [batch], tmp_path / "file")
    assert pq.read_table(tmp_path / "file")["seq"].to_pylist() == [None, 3]
