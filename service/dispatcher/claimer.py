"""The thread that claims blocks for one device, on request: one request, one answer, never more outstanding."""

import threading
from queue import SimpleQueue

from service.dispatcher.database import Database, GaveUp
from service.dispatcher.ledger import Ledger, hold
from service.dispatcher.options import Device, Options
from service.dispatcher.signals import Claims, Inbox
from service.queue.claim import claim

_SHORT_PAUSE_SECONDS, _LONG_PAUSE_SECONDS = 0.02, 0.5


class Claimer(threading.Thread):
    """Waits while the queue is empty, so that the dispatcher's loop need not."""

    def __init__(self, device: Device, database: Database, ledger: Ledger, inbox: Inbox, options: Options) -> None:
        super().__init__(name=f"claim-{device}", daemon=True)
        self._device: Device = device
        self._database = database
        self._ledger = ledger
        self._inbox = inbox
        self._options = options
        self._requests: SimpleQueue[int] = SimpleQueue()
        self._nudge = threading.Event()
        self._pause = 0.0

    def ask(self, limit: int) -> None:
        """Claim up to `limit` blocks; the answer, perhaps empty, comes to the inbox."""
        self._requests.put(limit)

    def nudge(self) -> None:
        """There may be something to claim: look now."""
        self._nudge.set()

    def run(self) -> None:
        """Answer requests until the dispatcher gives up."""
        try:
            while not self._database.give_up.is_set():
                self._answer(self._requests.get())
        except GaveUp:
            return

    def _answer(self, limit: int) -> None:
        if self._pause:
            self._nudge.wait(self._pause)
        self._nudge.clear()
        options = self._options
        claimed = self._database.run(
            lambda connection: claim(
                connection,
                holder=options.name,
                device=self._device,
                limit=min(limit, options.batch),
                lease_seconds=options.lease_seconds,
            )
        )
        blocks = [hold(block, self._device) for block in claimed]
        self._ledger.add(blocks)
        self._pause = 0.0 if claimed else min(max(2 * self._pause, _SHORT_PAUSE_SECONDS), _LONG_PAUSE_SECONDS)
        self._inbox.put(Claims(self._device, blocks))
