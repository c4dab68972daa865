"""Parquet files of an export into the database, a row group's piece at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Connection

from schemas.columns import ResultTable
from service.archive.sources import arrow_schema
from service.db.copy import BadRows, copy_rows, encode
from service.errors import Refused
from service.objects import Unavailable

BATCH_ROWS = 2**15
"""Rows of one COPY: ten megabytes of pairs, and well within the statement timeout."""


def opened(table: ResultTable, path: Path) -> pq.ParquetFile:
    """The file of a table.

    Raises:
        Refused: it is not Parquet, or has other columns than the table.
    """
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise Refused("bad_file", f"the file of table {table.name} is not Parquet: {error}") from None
    expected = {field.name: field.type for field in arrow_schema(table)}
    came = {field.name: field.type for field in file.schema_arrow}
    if came != expected:
        wrong = sorted(name for name in expected.keys() | came.keys() if expected.get(name) != came.get(name))
        raise Refused(
            "bad_file",
            f"the file of table {table.name} does not have that table's columns ({', '.join(wrong)} differ): "
            "import it with the version of Holonomy that exported it, or a later one",
        )
    return file


def load(connection: Connection, table: ResultTable, job_id: int, path: Path) -> int:
    """COPY the rows of a Parquet file into a result table; their number.

    Raises:
        Refused: the file, or a row in it, does not fit the table.
    """
    count = 0
    for batch in batches(table, path):
        columns = {name: _values(batch.column(name)) for name in batch.schema.names}
        try:
            encoded = encode(table, job_id, columns)
        except BadRows as error:
            raise Refused("bad_file", f"the file of table {table.name} has rows that do not fit: {error}") from None
        try:
            copy_rows(connection, table, [encoded])
        except (psycopg2.IntegrityError, psycopg2.DataError) as error:
            raise Refused(
                "bad_file", f"the database does not take the rows of table {table.name}: {str(error).splitlines()[0]}"
            ) from None
        except psycopg2.OperationalError as error:
            raise Unavailable(
                f"the database stopped while it took the rows of table {table.name} ({str(error).splitlines()[0]}); "
                "try again"
            ) from None
        count += batch.num_rows
    return count


def rows(table: ResultTable, path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a table's file, one by one.

    Raises:
        Refused: the file is not one of that table.
    """
    for batch in batches(table, path):
        yield from batch.to_pylist()


def rows_and_largest(table: ResultTable, path: Path, column: str) -> tuple[int, int]:
    """Number of rows of a table's file, and the largest value of a column of whole numbers; 0 where there is none."""
    count, largest = 0, 0
    for batch in batches(table, path):
        count += batch.num_rows
        largest = max(largest, pc.max(batch.column(column)).as_py() or 0)
    return count, largest


def batches(table: ResultTable, path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a table's file.

    Raises:
        Refused: the file is not one of that table.
    """
    with opened(table, path) as file:
        yield from file.iter_batches(BATCH_ROWS)


def _values(column: pa.Array) -> Sequence[Any] | Any:
    """Numbers as NumPy has them, where there is no null to be told apart from NaN; all else as Python has it."""
    if pa.types.is_string(column.type) or column.null_count:
        return column.to_pylist()
    return column.to_numpy(zero_copy_only=False)
