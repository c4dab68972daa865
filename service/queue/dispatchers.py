"""Which dispatchers live, and what they offer."""

from typing import Any

from sqlalchemy import Connection, text

from schemas.api import DispatcherInfo
from service.planner.plan import Cluster

# A dispatcher beats every few seconds; a long garbage collection or a slow database is not its death.
SILENCE_SECONDS = 20.0

_ALL = text("""
    select id, heartbeat_at, slots, busy,
           heartbeat_at > clock_timestamp() - make_interval(secs => :silence) as alive
    from dispatchers order by heartbeat_at desc
""")


def known(connection: Connection) -> list[DispatcherInfo]:
    """Every dispatcher heard of within a day, the latest first."""
    rows: Any = connection.execute(_ALL, {"silence": SILENCE_SECONDS})
    return [
        DispatcherInfo(id=row.id, heartbeat_at=row.heartbeat_at, alive=row.alive, slots=row.slots, busy=row.busy)
        for row in rows
    ]


def cluster(connection: Connection) -> Cluster | None:
    """The slots of all living dispatchers; None when none lives."""
    alive = [dispatcher for dispatcher in known(connection) if dispatcher.alive]
    if not alive:
        return None
    return Cluster(
        cpu=sum(dispatcher.slots.get("cpu", 0) for dispatcher in alive),
        cuda=sum(dispatcher.slots.get("cuda", 0) for dispatcher in alive),
    )
