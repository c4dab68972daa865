"""Queries on result tables: columns, filters, order and limit, checked against `schemas.results`.

Nothing from a request becomes SQL as it came: names are looked up, values are converted to the column's type and
written as literals.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from schemas.columns import Column, ColumnType, ResultTable
from schemas.nearest import unknown
from schemas.results import RESULT_TABLES
from service.api.problems import ProblemError
from service.db.literals import literal

Operator = Literal["eq", "ne", "lt", "le", "gt", "ge"]
OPERATORS: dict[Operator, str] = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
Value = int | float | str | bool

_LARGEST_INT = 2**63 - 1


@dataclass(frozen=True)
class Condition:
    """`column operator value`."""

    column: Column
    operator: Operator
    value: Value

    def __str__(self) -> str:
        return f"{self.column.name} {OPERATORS[self.operator]} {literal(self.value)}"


@dataclass(frozen=True)
class Ordering:
    """A column to sort by. Nulls come last either way."""

    column: Column
    descending: bool = False

    def __str__(self) -> str:
        way = " desc" if self.descending else ""
        return f"{self.column.name}{way}{' nulls last' if self.column.nullable else ''}"


@dataclass(frozen=True)
class TableQuery:
    """What to read of a result table."""

    table: ResultTable
    columns: tuple[Column, ...]
    where: tuple[Condition, ...]
    order_by: tuple[Ordering, ...]
    limit: int | None

    def of_job(self, job_id: int) -> str:
        """The SELECT for one job. Rows that the asked order leaves equal come in key order."""
        return self._select(self.columns, literal(job_id))

    def across(self, job_ids: Iterable[int]) -> str:
        """The SELECT for several jobs, with `job_id` first; without an order the rows come job by job.

        Each job is looked at by itself, so that an index, all of which begin with the job, gives its first rows
        without the others; the first of these are the first of all.
        """
        sorting = [ordering.column for ordering in self._sorting()]
        inner = self._select(tuple(dict.fromkeys((*self.columns, *sorting))), "asked.job_id")
        ids = ",".join(map(str, job_ids))
        outer = (
            f"select job_id, {_names(self.columns)} from unnest('{{{ids}}}'::bigint[]) as asked (job_id) "  # noqa: S608 - names from schemas.results, numbers
            f"cross join lateral ({inner}) as found"
        )
        if self.order_by:
            keys = self._sorting()[len(self.order_by) :]
            outer += f" order by {', '.join((*map(str, self.order_by), 'job_id', *map(str, keys)))}"
        return outer + self._at_most()

    def _select(self, columns: tuple[Column, ...], job_id: str) -> str:
        conditions = " and ".join((f"job_id = {job_id}", *map(str, self.where)))
        order = ", ".join(map(str, self._sorting()))
        return (
            f"select {_names(columns)} from {self.table.name} where {conditions} order by {order}"  # noqa: S608 - names from schemas.results, literals
            + self._at_most()
        )

    def _sorting(self) -> tuple[Ordering, ...]:
        asked = {ordering.column for ordering in self.order_by}
        keys = (Ordering(column) for column in self.table.columns if column.key and column not in asked)
        return (*self.order_by, *keys)

    def _at_most(self) -> str:
        return "" if self.limit is None else f" limit {self.limit}"


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(column.name for column in columns)


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
