"""A deadline that something else keeps: a call back from a thread of its own once the time is up."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Watchdog:
    """Calls `bark` once, from its own thread, when `seconds` have passed since the start or the last `pat`.

    Args:
        bark: What to do; it must not raise.
        seconds: How long it waits.
        total_seconds: How long it waits at most, however often it is patted; None sets no limit.
    """

    def __init__(self, bark: Callable[[], None], seconds: float, total_seconds: float | None = None) -> None:
        self.barked = False
        """Whether the time was up."""
        self._bark = bark
        self._seconds = seconds
        self._end = float("inf") if total_seconds is None else time.monotonic() + total_seconds
        self._changed = threading.Condition()
        self._asleep = False
        self.pat()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def pat(self) -> None:
        """Begin the wait again."""
        # Not notified: the thread looks again when the earlier deadline has come.
        self._deadline = min(self._end, time.monotonic() + self._seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._asleep = True
            self._changed.notify()
        # Once this returns it will not bark any more.
        self._thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._asleep:
                left = self._deadline - time.monotonic()
                if left <= 0:
                    self.barked = True
                    break
                self._changed.wait(min(left, threading.TIMEOUT_MAX))
        if self.barked:
            self._bark()
