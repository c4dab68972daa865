"""The result tables: keys come first and cannot be null, names are unique."""

import pytest

from schemas.columns import ResultTable
from schemas.results import RESULT_TABLES


@pytest.mark.parametrize("table", RESULT_TABLES.values(), ids=RESULT_TABLES)
def test_tables_are_well_formed(table: ResultTable) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert "job_id" not in names
    keys = [column for column in table.columns if column.key]
    assert keys
    assert list(table.columns[: len(keys)]) == keys
    assert not any(column.nullable for column in keys)
    assert all(column.meaning.endswith(".") for column in table.columns)
    assert set(table.aliases.values()) <= set(names)
    assert not set(table.aliases) & set(names)


def test_columns_are_found_by_name() -> None:
    assert RESULT_TABLES["pairs"].column("bracket_norm") is not None
    assert RESULT_TABLES["pairs"].column("nothing") is None


def test_an_alias_stands_for_a_column() -> None:
    pairs = RESULT_TABLES["pairs"]
    assert pairs.column("norm") == pairs.column("bracket_norm")
