"""Queries in SQL: run by the service as a role that may only read the views of schema `results`."""

import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from holonomy.arrow_stream import ARROW, frames
from holonomy.checked import checked
from holonomy.connection import Connection
from holonomy.errors import Unreachable
from schemas.query_bodies import ParameterValue, Query

if TYPE_CHECKING:
    import polars

_ANSWER_SECONDS = 15.0


class RowsLeftOut(UserWarning):
    """A query had more rows than its limit."""


def query_batches(connection: Connection, query: Query) -> "Iterator[polars.DataFrame]":
    """Rows of a query as they arrive, at most `query.limit` of them.

    Warns:
        RowsLeftOut: there are more.

    Raises:
        Refused: the service does not run it, or stopped it; the message says why.
        Unreachable: no answer, or it broke off between its rows.
    """
    rows = 0
    try:
        with connection.stream(
            "/v1/query", accept=ARROW, body=query, read_seconds=query.timeout_seconds + _ANSWER_SECONDS
        ) as reply:
            for frame in frames(reply.chunks(), "the rows of the query"):
                rows += frame.height
                yield frame.head(frame.height - max(0, rows - query.limit))
    except Unreachable as error:
        if not rows:
            raise
        raise Unreachable(
            f"the query broke off after {rows:,} rows ({error}): it failed there, or took longer than "
            f"{query.timeout_seconds:g} s; ask for less, or give it longer"
        ) from None
    if rows > query.limit:
        warnings.warn(
            f"these are the first {query.limit:,} rows of more: raise the limit to have them",
            RowsLeftOut,
            stacklevel=3,
        )


def query_of(
    sql: str, limit: int | None, timeout: float | None, parameters: Mapping[str, ParameterValue] | None
) -> Query:
    """The body of a query; None leaves a default.

    Raises:
        Refused: a value is out of bounds.
    """
    asked = {
        "limit": limit,
        "timeout_seconds": timeout,
        "parameters": None if parameters is None else dict(parameters),
    }
    fields = {"sql": sql, **{name: value for name, value in asked.items() if value is not None}}
    return checked(Query, fields)
