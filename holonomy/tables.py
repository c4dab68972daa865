"""Result tables: filters, order and columns are applied on the server, rows arrive as Arrow."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from holonomy.arrow_stream import frames
from holonomy.errors import Refused
from schemas.columns import ResultTable
from schemas.nearest import did_you_mean
from schemas.results import RESULT_TABLES

if TYPE_CHECKING:
    import polars

OPERATORS = {"==": "eq", "=": "eq", "!=": "ne", "<=": "le", ">=": "ge", "<": "lt", ">": "gt"}
_CONDITION = re.compile(r"^\s*(?P<column>\w+)\s*(?P<operator>==|!=|<=|>=|=|<|>)\s*(?P<value>.+?)\s*$")


def table_query(
    name: str,
    *,
    columns: str | Sequence[str] | None = None,
    where: str | Sequence[str] = (),
    order_by: str | Sequence[str] | None = None,
    limit: int | None = None,
) -> tuple[tuple[str, str], ...]:
    """The query parameters of a table request, checked against the table's columns; see `JobHandle.table`.

    Raises:
        Refused: no such table or column, or a condition that cannot be read.
    """
    table = RESULT_TABLES.get(name)
    if table is None:
        raise Refused(
            f"there is no result table {name!r}{did_you_mean(name, RESULT_TABLES)}; "
            f"there are: {', '.join(RESULT_TABLES)}"
        )
    query = list[tuple[str, str]]()
    if columns is not None:
        chosen = columns.split(",") if isinstance(columns, str) else columns
        query.append(("columns", ",".join(_known(table, column.strip()) for column in chosen)))
    conditions = [where] if isinstance(where, str) else where
    query.extend(("where", _condition(table, condition)) for condition in conditions)
    if order_by is not None:
        keys = order_by.split(",") if isinstance(order_by, str) else order_by
        query.append(("order_by", ",".join(_order(table, key.strip()) for key in keys)))
    if limit is not None:
        if limit < 1:
            raise Refused(f"limit is a number of rows, at least 1; came {limit}")
        query.append(("limit", str(limit)))
    return tuple(query)


def conditions(where: str | Sequence[str] = (), **equal: str | int | None) -> list[str]:
    """Conditions as a list, with those that columns equal values; None asks nothing of a column."""
    asked = [where] if isinstance(where, str) else where
    return [*asked, *(f"{column} == {value}" for column, value in equal.items() if value is not None)]


def _condition(table: ResultTable, text: str) -> str:
    match = _CONDITION.match(text)
    if match is None:
        raise Refused(
            f"a condition reads COLUMN OPERATOR VALUE with one of {' '.join(OPERATORS)}, "
            f"for example 'step == 100'; came {text!r}"
        )
    value = match["value"].strip("'\"")
    return f"{_known(table, match['column'])}:{OPERATORS[match['operator']]}:{value}"


def _order(table: ResultTable, key: str) -> str:
    return ("-" if key.startswith("-") else "") + _known(table, key.removeprefix("-"))


def _known(table: ResultTable, column: str) -> str:
    found = table.column(column)
    if found is None:
        names = ", ".join(known.name for known in table.columns)
        meant = did_you_mean(column, [known.name for known in table.columns])
        raise Refused(f"table {table.name} has no column {column!r}{meant}; it has: {names}")
    return found.name


def read_arrow(content: bytes, name: str) -> "polars.DataFrame":
    """The data frame in an Arrow IPC stream.

    Raises:
        ServiceFault: it is none, or not whole.
    """
    import polars

    return polars.concat(frames([content], f"the rows of table {name}"))
