"""Rows of result tables where a test cares about a few columns only."""

from collections.abc import Mapping
from typing import Any

from schemas.columns import ColumnType, ResultTable

_PLAIN: dict[ColumnType, Any] = {"int": 0, "float": 0.5, "text": "a", "bool": False}


def filled(table: ResultTable, given: Mapping[str, Any]) -> dict[str, Any]:
    """Columns for every column of the table: those given, nulls where they may be, plain values elsewhere."""
    rows = len(next(iter(given.values())))
    rest = {
        column.name: [None if column.nullable else _PLAIN[column.type]] * rows
        for column in table.columns
        if column.name not in given
    }
    return {**given, **rest}
