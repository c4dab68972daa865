"""Record batches to a Parquet file, in constant memory and always into the same bytes for the same rows."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.columns import ResultTable
from service.archive.sources import arrow_schema

ROW_GROUP = 2**17
"""Rows that readers can skip as one: 20 MB of pairs before compression."""


def write(table: ResultTable, batches: Iterable[pa.RecordBatch], path: Path) -> int:
    """Write the rows of a table, given in key order in batches of any size.

    Row groups are of equal length however the rows arrive, and carry the least and greatest value of each column.

    Returns:
        Number of rows.
    """
    schema = arrow_schema(table)
    texts = [column.name for column in table.columns if column.type == "text"]
    keys = [pq.SortingColumn(index) for index, column in enumerate(table.columns) if column.key]
    rows = 0
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=texts,
        sorting_columns=keys,
        write_page_index=True,
    ) as writer:
        for group in _groups(batches, schema):
            writer.write_table(group, row_group_size=ROW_GROUP)
            rows += len(group)
    return rows


def _groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterable[pa.Table]:
    """The rows in tables of `ROW_GROUP`, the last one shorter."""
    waiting, held = list[pa.RecordBatch](), 0
    for batch in batches:
        # The columns are the same; their types, and whether they may be null, are those of the described table.
        waiting.append(
            pa.record_batch(
                [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)], schema=schema
            )
        )
        held += batch.num_rows
        while held >= ROW_GROUP:
            rows = pa.Table.from_batches(waiting, schema)
            yield rows.slice(0, ROW_GROUP)
            rest = rows.slice(ROW_GROUP)
            waiting, held = rest.to_batches(), len(rest)
    if held:
        yield pa.Table.from_batches(waiting, schema)
