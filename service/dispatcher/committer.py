"""The thread that commits outcomes: many in one transaction, for ever if need be, and never one twice."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import structlog

from schemas.blocks import BlockError
from service.dispatcher.database import Database, GaveUp
from service.dispatcher.ledger import Held, Ledger
from service.queue.commit import Broken, Done, commit
from service.queue.release import release

_LINGER_SECONDS = 0.01
_BUSY_BATCH = 8
# Of one commit, from which on no more is taken in: about two seconds of COPY.
_BATCH_ROWS = 500_000
# An outcome that the database cannot take within its statement timeout, so many times, does not hold up the others.
_MOST_TIMEOUTS = 3


@dataclass(frozen=True)
class Release:
    """The block goes back to the queue as if it had not been claimed."""


Conclusion = tuple[Held, Done | Broken | Release]


class Committer(threading.Thread):
    """Takes conclusions in any order from any thread; `close` ends it once all of them are through."""

    def __init__(self, database: Database, ledger: Ledger, batch: int, committed: Callable[[], None]) -> None:
        super().__init__(name="commit", daemon=True)
        self._database = database
        self._ledger = ledger
        self._batch = batch
        self._committed = committed
        self._queue: SimpleQueue[Conclusion | None] = SimpleQueue()
        self._closed = False
        self._last = 0
        self._log = structlog.get_logger("dispatcher.commit")

    def put(self, conclusion: Conclusion) -> None:
        """Hand over what became of a block."""
        conclusion[0].concluded = True
        self._queue.put(conclusion)

    def close(self) -> None:
        """Accept nothing more; the thread ends when everything is committed."""
        self._queue.put(None)

    def run(self) -> None:
        """Commit until closed."""
        try:
            while not self._closed:
                self._settle(self._gather())
        except GaveUp:
            self._log.warning("stopped with outcomes not committed; their blocks run again", blocks=len(self._ledger))

    def _gather(self) -> list[Conclusion]:
        """What is there, up to a batch. When much comes in, wait a little for more: a commit costs much the same.

        Not so for blocks of many rows: tiles that queue up behind a slow database are not to become one statement.
        """
        batch: list[Conclusion] = []
        deadline: float | None = None
        rows = 0
        while len(batch) < self._batch and rows < _BATCH_ROWS:
            try:
                item = self._queue.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
            except Empty:
                break
            if item is None:
                self._closed = True
                break
            batch.append(item)
            rows += _rows(item[1])
            if deadline is None:
                deadline = time.monotonic() + (_LINGER_SECONDS if self._last >= _BUSY_BATCH else 0.0)
        self._last = len(batch)
        return batch

    def _settle(self, batch: Sequence[Conclusion]) -> None:
        lost = [held for held, _ in batch if held.dropped]
        ours = [(held, outcome) for held, outcome in batch if not held.dropped]
        self._release([held for held, outcome in ours if isinstance(outcome, Release)])
        self._commit([(held, outcome) for held, outcome in ours if not isinstance(outcome, Release)])
        self._ledger.remove(lost)

    def _release(self, blocks: Sequence[Held]) -> None:
        if blocks:
            tokens = {held.claimed.block_id: held.claimed.token for held in blocks}
            self._database.run(lambda connection: release(connection, tokens))
            self._ledger.remove(blocks)
            self._committed()

    def _commit(self, batch: Sequence[tuple[Held, Done | Broken]]) -> None:
        if not batch:
            return
        outcomes = [outcome for _, outcome in batch]
        try:
            accepted = self._database.run(
                lambda connection: commit(connection, outcomes), most_timeouts=_MOST_TIMEOUTS
            )
        except GaveUp:
            raise
        except Exception as error:
            self._isolate(batch, error)
            return
        self._ledger.remove(held for held, _ in batch)
        self._committed()
        fenced = [held.claimed.block_id for (held, _), taken in zip(batch, accepted, strict=True) if not taken]
        if fenced:
            self._log.warning("outcomes refused: their leases had passed to others", blocks=fenced)

    def _isolate(self, batch: Sequence[tuple[Held, Done | Broken]], error: Exception) -> None:
        """One outcome that the database cannot take must not hold the others back: find it and let its block fail."""
        if len(batch) > 1:
            for item in batch:
                self._commit([item])
            return
        [(held, outcome)] = batch
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        self._log.error("an outcome could not be stored", block=held.claimed.block_id, reason=reason)
        if isinstance(outcome, Done):
            fault = BlockError(kind="internal", message=f"the result could not be stored: {reason[:500]}")
            self._commit([(held, Broken(outcome.block_id, outcome.job_id, outcome.token, fault))])
        else:
            self._ledger.remove([held])  # its lease lapses, and the rescuer takes it from there


def _rows(outcome: Done | Broken | Release) -> int:
    """Rows of result tables that an outcome brings."""
    if not isinstance(outcome, Done):
        return 0
    return sum(len(next(iter(columns.values()), ())) for columns in outcome.rows.values())
