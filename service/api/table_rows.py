"""Rows of a query through a server-side cursor, a batch at a time."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from threading import BoundedSemaphore
from typing import Any

from sqlalchemy import Engine, Select

from service.api import problems
from service.api.table_stream import Row

BATCH_ROWS = 10_000
_WAIT_SECONDS = 5.0


class OpenRows:
    """A cursor with its connection. The first batch is there once this is made, so that faults come before bytes do.

    Args:
        engine: the database.
        statement: what to read.
        slots: bounds how many cursors are open at once, because each keeps a connection for as long as its client
            takes to read.

    Raises:
        ProblemError: 503, all slots stay taken.
    """

    def __init__(self, engine: Engine, statement: Select[Any], slots: BoundedSemaphore) -> None:
        self._stack = ExitStack()
        if not slots.acquire(timeout=_WAIT_SECONDS):
            raise problems.unavailable("too many result tables are being read at once; try again in a moment")
        with ExitStack() as opening:
            opening.callback(slots.release)
            connection = opening.enter_context(engine.connect())
            result = connection.execution_options(yield_per=BATCH_ROWS).execute(statement)
            self._batches = result.partitions()
            self._first = next(self._batches, ())
            self._stack = opening.pop_all()

    def __iter__(self) -> Iterator[Sequence[Row]]:
        """The batches, none of them empty."""
        if self._first:
            yield self._first
            yield from self._batches

    def close(self) -> None:
        """Give the connection back. Harmless when done twice."""
        self._stack.close()
