"""The loop of a scheduler process: look, sleep until there is something to do, and outlast the database's absence."""

import threading
from datetime import datetime

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from service.dispatcher.database import Database, is_transient
from service.scheduler.sweeps import Sweeps
from service.scheduler.tick import tick

POLL_SECONDS = 2.0
"""Longest sleep: schedules change, sweeps end and firings are asked for meanwhile."""
LEAST_SECONDS = 0.05
AWAY_SECONDS = 5.0
"""Longest sleep while the database is away."""

_NOW = text("select clock_timestamp()")


class Loop:
    """Runs until told to stop; the database need not be there yet."""

    def __init__(self, engine: Engine, sweeps: Sweeps) -> None:
        self._engine = engine
        self._sweeps = sweeps
        self._database = Database(engine)
        self._stopped = threading.Event()
        self._log = structlog.get_logger("scheduler")

    def stop(self) -> None:
        """End after the current look; safe to call from a signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Look again and again."""
        self._log.info("started")
        pause = 0.0
        while not self._stopped.wait(pause):
            try:
                pause = self._database.once(self._look)
            except SQLAlchemyError as error:
                # What the database refuses, it may take when somebody has mended it: a scheduler never gives up.
                if not is_transient(error):
                    self._log.exception("a look at the schedules failed; trying again")
                pause = min(AWAY_SECONDS, 2 * max(pause, LEAST_SECONDS))
        self._log.info("stopped")

    def _look(self) -> float:
        """Do what is due; seconds to sleep."""
        with self._engine.connect() as connection:
            now: datetime = connection.execute(_NOW).scalar_one()
        done = tick(self._engine, now, self._sweeps)
        if done.next_at is None:
            return POLL_SECONDS
        return min(POLL_SECONDS, max(LEAST_SECONDS, (done.next_at - now).total_seconds()))
