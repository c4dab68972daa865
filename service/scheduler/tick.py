"""One look at all schedules. Any number of schedulers may look at once, and each may die at any point."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from service.scheduler.firing import fire_due
from service.scheduler.materialise import materialise
from service.scheduler.settlement import settle
from service.scheduler.sweeps import Sweeps

_NEXT = text("""
    select least(
        (select min(next_at) from schedules where next_at is not null),
        (select min(due_at) from firings where state = 'due' and due_at > :now)
    )
""")


@dataclass(frozen=True)
class Tick:
    """What was done, and when there is more to do."""

    settled: int
    considered: int
    moved: int
    next_at: datetime | None
    """When the next instant comes, or the jitter of one is over; None when neither will by itself."""


def tick(engine: Engine, now: datetime, sweeps: Sweeps) -> Tick:
    """Settle what has ended, make rows of the instants up to `now`, and fire what is due.

    Args:
        engine: The database.
        now: The time; in production the database's, so that schedulers on several hosts agree.
        sweeps: The queue.

    Raises:
        sqlalchemy.exc.DBAPIError: the database failed; what was committed by then stands.
    """
    settled = settle(engine, now)
    considered = materialise(engine, now)
    moved = fire_due(engine, now, sweeps)
    with engine.connect() as connection:
        next_at = connection.execute(_NEXT, {"now": now}).scalar_one()
    return Tick(settled, considered, moved, next_at)
