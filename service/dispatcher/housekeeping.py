"""The thread that keeps the queue in order: plans jobs, takes expired leases back, says why things wait, ends sweeps.

Every dispatcher does it; the statements are safe to run from several at once.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from service.dispatcher.database import Database, is_transient, timed_out
from service.dispatcher.options import Options
from service.queue.cancel import end_overdue
from service.queue.caps import recap
from service.queue.leases import rescue
from service.queue.sweeps.ends import end_sweeps
from service.queue.upkeep import explain, plan_jobs


@dataclass
class Chore:
    """Something done at an interval."""

    name: str
    every_seconds: float
    work: Callable[[], object]
    due: float = 0.0


class Housekeeping(threading.Thread):
    """Does each chore when it is due. One that fails is done again next time, and never holds up the others."""

    def __init__(self, database: Database, options: Options, planned: Callable[[], None]) -> None:
        super().__init__(name="housekeeping", daemon=True)
        self._database = database
        self._planned = planned
        self._nudge = threading.Event()
        self._stopped = False
        self._log = structlog.get_logger("dispatcher.housekeeping")
        self._chores = [
            Chore("plan", options.plan_seconds, self._plan),
            Chore("rescue", options.rescue_seconds, self._rescue),
            Chore("explain", options.explain_seconds, self._explain),
            Chore("end overdue", options.rescue_seconds, self._end_overdue),
            Chore("limits", options.explain_seconds, self._recap),
            Chore("end sweeps", options.explain_seconds, self._end_sweeps),
        ]
        # A living dispatcher kills its own blocks after the grace period; this ends those of one that does not.
        self._overdue_seconds = 2 * options.grace_seconds + options.rescue_seconds

    def stop(self) -> None:
        """End after the current chore."""
        self._stopped = True
        self._nudge.set()

    def run(self) -> None:
        """Keep house until stopped."""
        while not self._stopped:
            now = time.monotonic()
            for chore in self._chores:
                if now >= chore.due:
                    chore.due = now + chore.every_seconds
                    self._do(chore)
            self._nudge.wait(max(0.0, min(chore.due for chore in self._chores) - time.monotonic()))

    def _do(self, chore: Chore) -> None:
        try:
            self._database.once(chore.work)
        except Exception as error:
            # That the database is away has been said; a statement that takes too long would be a chore's own fault.
            if timed_out(error) or not is_transient(error):
                self._log.exception("a chore failed", chore=chore.name)

    def _plan(self) -> None:
        if plan_jobs(self._database.engine):
            self._planned()

    def _explain(self) -> None:
        with self._database.engine.begin() as connection:
            explain(connection)

    def _recap(self) -> None:
        if recap(self._database.engine):
            self._planned()

    def _end_overdue(self) -> None:
        with self._database.engine.begin() as connection:
            end_overdue(connection, self._overdue_seconds)

    def _end_sweeps(self) -> None:
        with self._database.engine.begin() as connection:
            end_sweeps(connection)

    def _rescue(self) -> None:
        # Leases lapsed while nobody could renew them: their holders come first.
        if self._database.recovering:
            return
        with self._database.engine.begin() as connection:
            rescued = rescue(connection)
        if rescued:
            self._log.warning("took back expired leases", blocks=rescued)
            self._planned()
