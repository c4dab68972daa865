"""Tables that are kept as Parquet, and where exports keep what."""

import typing

import pytest

from schemas import units
from schemas.archives import ARCHIVED, BLOCKS, EVENTS, RECORDS, tables_of
from schemas.exports import object_path, table_path, upload_key
from schemas.jobs import AnyJob
from schemas.results import RESULT_TABLES


def test_every_kind_of_job_has_its_tables_and_how_it_went() -> None:
    kinds = [spec.model_fields["kind"].default for spec in typing.get_args(AnyJob)]
    assert {table.name for kind in kinds for table in tables_of(kind)} == set(ARCHIVED)
    assert set(ARCHIVED) == {*RESULT_TABLES, "blocks", "events"}
    assert tables_of("diagnostic") == RECORDS


@pytest.mark.parametrize("column", [*BLOCKS.columns, *EVENTS.columns], ids=lambda column: column.name)
def test_every_column_has_a_known_unit(column) -> None:
    assert units.known(column.unit)


def test_paths_name_jobs_as_partitions() -> None:
    assert table_path(7, "pairs") == "tables/job_id=7/pairs.parquet"
    key = "jobs/ab/checkpoints/000000010/1-2-3.safetensors"
    assert object_path(7, "checkpoints/000000010", key) == "objects/job_id=7/checkpoints/000000010.safetensors"
    assert upload_key("ab") == "imports/ab"
