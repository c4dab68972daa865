"""The thread that keeps leases alive, hears of cancelled and lost blocks, and shows that the dispatcher lives."""

import threading
import time
from collections.abc import Callable

import structlog

from service.dispatcher.database import Database, GaveUp
from service.dispatcher.ledger import Ledger
from service.dispatcher.options import Options
from service.dispatcher.signals import Inbox, Stop
from service.queue.leases import beat, renew

Load = Callable[[], tuple[dict[str, int], dict[str, int]]]
"""Slots and busy slots, by device."""


class Heartbeat(threading.Thread):
    """Renews every lease held, computing or waiting to be committed alike."""

    def __init__(self, database: Database, ledger: Ledger, inbox: Inbox, load: Load, options: Options) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._database = database
        self._ledger = ledger
        self._inbox = inbox
        self._load = load
        self._options = options
        self._stopped = threading.Event()
        self._log = structlog.get_logger("dispatcher.heartbeat")

    def stop(self) -> None:
        """End after the current round."""
        self._stopped.set()

    def run(self) -> None:
        """Beat until stopped."""
        next_round = time.monotonic()
        try:
            while not self._stopped.wait(max(0.0, next_round - time.monotonic())):
                next_round = time.monotonic() + self._options.heartbeat_seconds
                self._round()
        except GaveUp:
            return

    def _round(self) -> None:
        tokens = self._ledger.tokens()
        if tokens:
            renewal = self._database.run(lambda connection: renew(connection, tokens, self._options.lease_seconds))
            self._tell(renewal.lost, renewal.cancelled)
        slots, busy = self._load()
        self._database.run(lambda connection: beat(connection, self._options.name, slots, busy))

    def _tell(self, lost: frozenset[int], cancelled: frozenset[int]) -> None:
        """Mark what is to stop, and pass it on once. What is with the committer is left to the fence there."""
        dropped = [held for held in self._ledger.find(lost) if not held.dropped and not held.concluded]
        stopped = [held for held in self._ledger.find(cancelled) if not held.cancelled and not held.concluded]
        for held in dropped:
            held.dropped = True
        for held in stopped:
            held.cancelled = True
        if dropped:
            blocks = [held.claimed.block_id for held in dropped]
            self._log.warning("leases lost; whatever comes of these blocks is dropped", blocks=blocks[:20])
        if dropped or stopped:
            self._inbox.put(Stop([*dropped, *stopped]))
