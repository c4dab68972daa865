"""Files of tables back into rows."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.archives import BLOCKS, EVENTS
from schemas.training_results import CHECKPOINTS, TRAINING_STEPS
from service.archive import loading, parquet
from service.errors import Refused


@pytest.fixture
def events(tmp_path):
    path = tmp_path / "events.parquet"
    columns = {"line": [1, 2], "at": ["a", "b"], "level": ["info"] * 2, "seq": [None, 3]}
    batch = pa.RecordBatch.from_pydict({**columns, "message": ["", "é"], "data": ["{}", "{}"]})
    parquet.write(EVENTS, [batch], path)
    return path


def test_rows_come_as_they_were_written(events) -> None:
    assert [row["seq"] for row in loading.rows(EVENTS, events)] == [None, 3]
    assert [row["message"] for row in loading.rows(EVENTS, events)] == ["", "é"]


def test_the_number_of_rows_and_the_largest_value(events, tmp_path) -> None:
    assert loading.rows_and_largest(EVENTS, events, "line") == (2, 2)
    parquet.write(BLOCKS, [], tmp_path / "none")
    assert loading.rows_and_largest(BLOCKS, tmp_path / "none", "phase") == (0, 0)


def test_a_file_that_is_not_parquet(tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"PAR1 but not really")
    with pytest.raises(Refused, match="the file of table events is not Parquet"):
        loading.opened(EVENTS, tmp_path / "file")


def test_a_file_of_another_table(events) -> None:
    with pytest.raises(Refused, match=r"does not have that table's columns \(at, data, gradient_norm, level"):
        loading.opened(TRAINING_STEPS, events)


def test_a_file_with_a_column_of_another_type(tmp_path) -> None:
    parquet.write(CHECKPOINTS, [], tmp_path / "file")
    table = pq.read_table(tmp_path / "file")
    pq.write_table(table.set_column(0, "step", pa.array([], pa.string())), tmp_path / "file")
    with pytest.raises(Refused, match=r"that table's columns \(step differ\)"):
        loading.opened(CHECKPOINTS, tmp_path / "file")


def test_rows_that_do_not_fit_their_table_are_not_sent(tmp_path) -> None:
    parquet.write(TRAINING_STEPS, [], tmp_path / "file")
    schema = pq.read_schema(tmp_path / "file")
    nullable = pa.schema([field.with_nullable(True) for field in schema])
    nothing = pa.Table.from_pylist([{"step": 1, "loss": None, "gradient_norm": 0.5, "lr": 0.1}], nullable)
    pq.write_table(nothing, tmp_path / "file")
    with pytest.raises(Refused, match="table training_steps has rows that do not fit: column `loss` takes no null"):
        loading.load(None, TRAINING_STEPS, 1, tmp_path / "file")
