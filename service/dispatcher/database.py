"""Calls of the database that outlast its absence: retried for ever with backoff, and watched."""

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from psycopg2.errors import QueryCanceled
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

T = TypeVar("T")
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.1, 5.0

# Longer than the longest pause and a heartbeat.
_RECOVERY_SECONDS = 10.0


class GaveUp(Exception):
    """The dispatcher was told to stop before the database answered."""


def is_transient(error: Exception) -> bool:
    """Whether the database was away, busy, full, read-only or deadlocked, as opposed to refusing what was asked."""
    if isinstance(error, OperationalError | InterfaceError | InternalError | PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def timed_out(error: Exception) -> bool:
    """Whether a statement took longer than it may."""
    return isinstance(error, DBAPIError) and isinstance(error.orig, QueryCanceled)


class Database:
    """Short transactions on an engine.

    Attributes:
        give_up: set it to make calls that wait for the database end with `GaveUp`.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.give_up = threading.Event()
        self._answered = time.monotonic()
        self._away_since: float | None = None
        self._back = float("-inf")
        self._log = structlog.get_logger("dispatcher.database")

    def run(self, work: Callable[[Connection], T], *, most_timeouts: int | None = None) -> T:
        """The result of `work` in one transaction, tried until the database takes it.

        Args:
            work: What to do.
            most_timeouts: How many statement timeouts in a row are borne; the last one is raised. None bears all.

        Raises:
            GaveUp: `give_up` was set before.
            sqlalchemy.exc.DBAPIError: the database refused; trying again would end the same way.
        """
        pause, timeouts = _FIRST_PAUSE_SECONDS, 0
        while True:
            try:
                return self.once(lambda: self._in_transaction(work))
            except Exception as error:
                timeouts = timeouts + 1 if timed_out(error) else 0
                if not is_transient(error) or timeouts == most_timeouts:
                    raise
            if self.give_up.wait(pause * random.uniform(0.5, 1.0)):  # noqa: S311 - jitter
                raise GaveUp("told to stop while the database was away")
            pause = min(2 * pause, _LAST_PAUSE_SECONDS)

    def once(self, work: Callable[[], T]) -> T:
        """The result of `work`, which opens its own transactions, tried once: whoever calls will come again.

        Raises:
            Exception: whatever `work` raised.
        """
        try:
            result = work()
        except Exception as error:
            if timed_out(error):
                self._log.warning("a statement of ours took longer than it may")
            elif is_transient(error):
                self._note_absence(error)
            raise
        self._note_answer()
        return result

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            return work(connection)

    @property
    def silence_seconds(self) -> float:
        """Time since the database last answered."""
        return time.monotonic() - self._answered

    @property
    def recovering(self) -> bool:
        """Whether it was away until a moment ago: living dispatchers may not have renewed their leases yet."""
        return self._away_since is not None or time.monotonic() - self._back < _RECOVERY_SECONDS

    def _note_absence(self, error: Exception) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            self._log.warning("the database does not take our call; trying again until it does", reason=reason)

    def _note_answer(self) -> None:
        self._answered = time.monotonic()
        if self._away_since is not None:
            self._log.warning("the database is back", away_seconds=round(self._answered - self._away_since, 1))
            self._away_since = None
            self._back = self._answered
