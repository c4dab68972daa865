"""An open statement whose rows are about to be streamed."""

from collections.abc import Iterator
from contextlib import ExitStack
from threading import BoundedSemaphore

import pyarrow as pa

from service.api import problems
from service.db.arrow import ArrowDatabase

_WAIT_SECONDS = 5.0


class OpenRows:
    """A statement with its connection. The first batch is there once this is made: faults come before bytes do.

    Args:
        database: where to run it.
        sql: one statement.
        slots: bounds how many are open at once, because each keeps a connection for as long as its client takes to
            read.
        timeout_seconds: longest until the last batch was read.
        pause_seconds: longest a batch may take to come, and to be asked for.

    Raises:
        ProblemError: 503, all slots stay taken.
        QueryFault: the statement failed.
    """

    def __init__(
        self,
        database: ArrowDatabase,
        sql: str,
        slots: BoundedSemaphore,
        *,
        timeout_seconds: float,
        pause_seconds: float | None = None,
    ) -> None:
        self._stack = ExitStack()
        if not slots.acquire(timeout=_WAIT_SECONDS):
            raise problems.unavailable("too many tables and queries are being read at once; try again in a moment")
        with ExitStack() as opening:
            opening.callback(slots.release)
            opened = opening.enter_context(
                database.open(sql, timeout_seconds=timeout_seconds, pause_seconds=pause_seconds)
            )
            self.schema: pa.Schema = opened.schema
            """Names and plain types of the columns."""
            self._batches = iter(opened)
            self._first = next(self._batches, None)
            self._stack = opening.pop_all()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """The batches, none of them empty."""
        if self._first is not None:
            yield self._first
            yield from self._batches

    def close(self) -> None:
        """End the statement. Harmless when done twice."""
        self._stack.close()
