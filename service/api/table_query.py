"""Queries on result tables: columns, filters, order and limit, checked against `schemas.results`.

Nothing from a request becomes SQL text: names are looked up, values are converted to the column's type and bound.
"""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Select, Table, select

from schemas.columns import Column, ColumnType, ResultTable
from schemas.nearest import unknown
from schemas.results import RESULT_TABLES
from service.api.problems import ProblemError

Operator = Literal["eq", "ne", "lt", "le", "gt", "ge"]
OPERATORS: tuple[Operator, ...] = ("eq", "ne", "lt", "le", "gt", "ge")
Value = int | float | str | bool

_LARGEST_INT = 2**63 - 1


@dataclass(frozen=True)
class Condition:
    """`column operator value`."""

    column: Column
    operator: Operator
    value: Value


@dataclass(frozen=True)
class Ordering:
    """A column to sort by."""

    column: Column
    descending: bool


@dataclass(frozen=True)
class TableQuery:
    """What to read of a result table."""

    table: ResultTable
    columns: tuple[Column, ...]
    where: tuple[Condition, ...]
    order_by: tuple[Ordering, ...]
    limit: int | None

    def statement(self, table: Table, job_id: int) -> Select[tuple[Value | None, ...]]:
        """The SELECT for one job. Rows that the asked order leaves equal come in key order; nulls come last."""
        chosen = select(*(table.c[column.name] for column in self.columns)).where(table.c.job_id == job_id)
        for condition in self.where:
            chosen = chosen.where(_compare(table.c[condition.column.name], condition))
        asked = {ordering.column.name for ordering in self.order_by}
        for ordering in self.order_by:
            column = table.c[ordering.column.name]
            directed = column.desc() if ordering.descending else column.asc()
            chosen = chosen.order_by(directed.nulls_last() if ordering.column.nullable else directed)
        keys = (column.name for column in self.table.columns if column.key and column.name not in asked)
        return chosen.order_by(*(table.c[name] for name in keys)).limit(self.limit)


def parse(table: str, columns: str | None, where: list[str], order_by: str | None, limit: int | None) -> TableQuery:
    """Check the parts of a request.

    Args:
        table: name of a result table.
        columns: names separated by commas; None takes all.
        where: conditions `column:operator:value`, all of which must hold.
        order_by: names separated by commas, each with a minus in front for descending.
        limit: most rows.

    Raises:
        ProblemError: 422, naming what is not known and what was probably meant.
    """
    found = RESULT_TABLES.get(table)
    if found is None:
        raise ProblemError("invalid", unknown("table", table, RESULT_TABLES))
    chosen = found.columns if columns is None else tuple(_column(found, name) for name in columns.split(","))
    if len(set(chosen)) != len(chosen):
        raise ProblemError("invalid", f"columns must be named once each; came {columns!r}")
    return TableQuery(
        table=found,
        columns=chosen,
        where=tuple(_condition(found, text) for text in where),
        order_by=tuple(_ordering(found, name) for name in order_by.split(",")) if order_by else (),
        limit=limit,
    )


def _column(table: ResultTable, name: str) -> Column:
    column = table.column(name.strip())
    if column is None:
        names = (known.name for known in table.columns)
        raise ProblemError("invalid", unknown(f"column of {table.name}", name.strip(), names))
    return column


def _ordering(table: ResultTable, name: str) -> Ordering:
    return Ordering(_column(table, name.strip().removeprefix("-")), name.strip().startswith("-"))


def _condition(table: ResultTable, text: str) -> Condition:
    parts = text.split(":", 2)
    if len(parts) != 3:
        raise ProblemError("invalid", f"where is column:operator:value, for example step:eq:100; came {text!r}")
    name, operator, value = parts
    column = _column(table, name)
    if operator not in OPERATORS:
        raise ProblemError("invalid", unknown("operator", operator, OPERATORS))
    return Condition(column, operator, _value(column, value))


def _value(column: Column, text: str) -> Value:
    try:
        return _convert(column.type, text)
    except ValueError:
        raise ProblemError("invalid", f"{column.name} holds {_SPELLED[column.type]}; came {text!r}") from None


_SPELLED: dict[ColumnType, str] = {
    "int": "whole numbers of 64 bits",
    "float": "numbers",
    "text": "text without NUL characters",
    "bool": "true or false",
}


def _convert(kind: ColumnType, text: str) -> Value:
    match kind:
        case "int" if abs(number := int(text)) <= _LARGEST_INT:
            return number
        case "float":
            return float(text)
        case "bool" if text in ("true", "false"):
            return text == "true"
        case "text" if "\0" not in text:
            return text
    raise ValueError(text)


def _compare(column: ColumnElement[Value], condition: Condition) -> ColumnElement[bool]:
    value = condition.value
    match condition.operator:
        case "eq":
            return column == value
        case "ne":
            return column != value
        case "lt":
            return column < value
        case "le":
            return column <= value
        case "gt":
            return column > value
        case "ge":
            return column >= value
