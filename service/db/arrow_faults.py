"""What ADBC raises, told as one kind of fault with Postgres' own words, code and position."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_manager as adbc
import pyarrow as pa

from service.db.watchdog import Watchdog
from service.errors import ServiceError

CANCELLED, LOST = "57014", "08006"
"""SQLSTATE of a statement that took too long or was cancelled, and of a connection that cannot be made or broke."""

_SAID = re.compile(r"(?P<severity>[A-Z]+): +(?P<said>[^\n]+)")


class QueryFault(ServiceError):
    """A statement gave nothing, or not all. The message is Postgres' own.

    `sqlstate` is its code where that is known, `position` the character at fault, from 1, and `hint` its advice.
    """

    def __init__(
        self, message: str, sqlstate: str | None = None, *, position: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.position = position
        self.hint = hint


@contextmanager
def faults_told(dog: Watchdog | None = None, ends_at: float = float("inf")) -> Iterator[None]:
    """Turns what the driver raises inside into a QueryFault.

    Args:
        dog: Cancels the statement when its time is up.
        ends_at: When Postgres does so, on the monotonic clock.
    """
    try:
        yield
    except (adbc.Error, OSError, pa.ArrowException) as error:
        late = (dog is not None and dog.barked) or time.monotonic() >= ends_at
        raise _fault(error, late=late) from None


def _fault(error: Exception, *, late: bool) -> QueryFault:
    details = _details(error)
    said = _SAID.search(str(error))
    message = details.get("MESSAGE_PRIMARY") or (said["said"] if said else str(error).splitlines()[0])
    sqlstate = error.sqlstate if isinstance(error, adbc.Error) else None
    if late:
        sqlstate = CANCELLED
    elif sqlstate is None and ("connect" in str(error) or (said and said["severity"] == "FATAL")):
        sqlstate = LOST
    position = details.get("STATEMENT_POSITION")
    return QueryFault(
        message, sqlstate, position=int(position) if position else None, hint=details.get("MESSAGE_HINT")
    )


def _details(error: Exception) -> dict[str, str]:
    """Postgres' own fields. They come with refusals, but not with faults after the first batch."""
    found = (error.details or ()) if isinstance(error, adbc.Error) else ()
    return {_text(name).removeprefix("PG_DIAG_"): _text(value) for name, value in found}


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
