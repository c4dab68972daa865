"""Watches what the dispatcher stands on: the Ray head and the database."""

import os
import socket
import threading
import time
from collections.abc import Callable

import structlog

from service.dispatcher.database import Database
from service.dispatcher.options import Options

EXIT_AGAIN = 75
"""Exit status that asks a supervisor to start the dispatcher again (EX_TEMPFAIL)."""

_PROBE_SECONDS = 2.0
_LAST_WORDS_SECONDS = 15.0


def answers(address: str, timeout_seconds: float = 2.0) -> bool:
    """Whether something accepts connections at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout_seconds):
            return True
    except OSError:
        return False


def wait_for(address: str, patience_seconds: float) -> bool:
    """Whether something accepts connections at `host:port`, now or within a time."""
    deadline = time.monotonic() + patience_seconds
    while not answers(address):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


class Watch(threading.Thread):
    """Tells when the Ray head is gone or hangs, and logs while the database is silent.

    Ray itself would notice a dead head after a minute and then end the process without a word; this is sooner, and
    leaves time to commit what has come in. A head that hangs still accepts connections, but a call into it never
    returns: then the loop does not turn, while the heartbeat would keep its leases for ever.
    """

    def __init__(
        self,
        ray_address: str,
        database: Database,
        options: Options,
        ray_gone: Callable[[], None],
        turned: Callable[[], float],
    ) -> None:
        super().__init__(name="watch", daemon=True)
        self._ray_address = ray_address
        self._database = database
        self._options = options
        self._ray_gone = ray_gone
        self._turned = turned
        self._stopped = threading.Event()
        self._log = structlog.get_logger("dispatcher.watch")

    def stop(self) -> None:
        """End."""
        self._stopped.set()

    def run(self) -> None:
        """Watch until stopped, or until Ray is gone."""
        failures, ready = 0, True
        while not self._stopped.wait(_PROBE_SECONDS):
            silent = self._database.silence_seconds > self._options.silence_seconds
            if silent == ready:
                ready = not silent
                self._log.warning("ready again" if ready else "not ready: the database is silent")
            failures = 0 if answers(self._ray_address) else failures + 1
            if failures >= self._options.ray_failures:
                self._end("the Ray head is away: committing what has finished, then exiting to be started again")
                return
            if time.monotonic() - self._turned() > self._options.hang_seconds:
                self._end("a call into Ray does not return: exiting to be started again")
                return

    def _end(self, why: str) -> None:
        """Have the dispatcher drain, and end the process if it cannot: a call into Ray may hang for ever now."""
        self._log.error(why, address=self._ray_address)
        self._ray_gone()
        if not self._stopped.wait(_LAST_WORDS_SECONDS):
            self._log.error("still not out; exiting hard")
            os._exit(EXIT_AGAIN)
