"""COPY brings back what was sent: every type, nulls, NaN, text of any script."""

import math

import numpy as np
import pytest

from schemas.columns import Column, ResultTable
from schemas.results import RESULT_TABLES
from service.db.copy import copy_rows, encode

EVERYTHING = ResultTable(
    "everything",
    "Every type.",
    (
        Column("k", "int", "", "", key=True),
        Column("i", "int", "", "", nullable=True),
        Column("f", "float", "", "", nullable=True),
        Column("t", "text", "", "", nullable=True),
        Column("b", "bool", "", "", nullable=True),
    ),
)


@pytest.fixture
def round_trip(desk):
    desk.sql("create table everything (job_id bigint, k bigint, i bigint, f float8, t text, b bool)")

    def round_trip(columns):
        with desk.engine.begin() as connection:
            copy_rows(connection, EVERYTHING, [encode(EVERYTHING, 7, columns)])
        return [tuple(row) for row in desk.sql("select job_id, k, i, f, t, b from everything order by k")]

    return round_trip


def test_every_type_from_lists(round_trip):
    rows = round_trip(
        {
            "k": [1, 2, 3],
            "i": [-(2**63), None, 2**63 - 1],
            "f": [None, math.inf, -1e-300],
            "t": ["", None, "θ → 𝔤 'quoted'\t\\N"],
            "b": [True, None, False],
        }
    )
    assert rows == [
        (7, 1, -(2**63), None, "", True),
        (7, 2, None, math.inf, None, None),
        (7, 3, 2**63 - 1, -1e-300, "θ → 𝔤 'quoted'\t\\N", False),
    ]


def test_every_type_from_arrays(round_trip):
    rows = round_trip(
        {
            "k": np.arange(2, dtype=np.uint8),
            "i": np.array([np.nan, 5.0]),
            "f": np.array([0.1, np.nan], dtype=np.float32),
            "t": np.array(["a", "bc"]),
            "b": np.array([True, False]),
        }
    )
    assert rows[0] == (7, 0, None, float(np.float32(0.1)), "a", True)
    assert rows[1][2:3] + rows[1][4:] == (5, "bc", False)
    assert math.isnan(rows[1][3])


def test_no_rows_and_many_rows(round_trip):
    empty = {"k": [], "i": [], "f": [], "t": [], "b": []}
    assert round_trip(empty) == []
    count = 40_000
    numbers = np.arange(count)
    words = ["x" * (k % 7) for k in range(count)]
    rows = round_trip({"k": numbers, "i": numbers, "f": numbers / 3, "t": words, "b": numbers % 2 == 0})
    assert rows[::9999] == [(7, k, k, k / 3, "x" * (k % 7), k % 2 == 0) for k in range(0, count, 9999)]


def test_result_tables_take_what_their_columns_say(desk):
    example = {"int": [3], "float": [0.5], "text": ["a"], "bool": [True]}
    for name, table in RESULT_TABLES.items():
        with desk.engine.begin() as connection:
            columns = {column.name: example[column.type] for column in table.columns}
            copy_rows(connection, table, [encode(table, 1, columns)])
            empty = {c.name: [None] if c.nullable else [9] if c.key and c.type == "int" else example[c.type]
                     for c in table.columns}  # fmt: skip
            copy_rows(connection, table, [encode(table, 2, empty)])
        assert desk.sql(f"select count(*) as n from results.{name}")[0].n == 2  # noqa: S608 - our own names
