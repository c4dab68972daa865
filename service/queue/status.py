"""What runs and what waits, over all jobs."""

from sqlalchemy import Connection, text

from schemas.api import ServiceStatus
from service.queue.dispatchers import known

_JOBS = text("select state, count(*) as count from jobs group by state")
# Finished blocks may be millions: only the partial indexes of unfinished ones are read.
_BLOCKS = text("""
    select 'ready' as state, count(*) as count from blocks where state = 'ready'
    union all select 'running', count(*) from blocks where state = 'running'
    union all select 'waiting', count(*) from blocks where state = 'waiting'
""")
_OLDEST = text("""
    select extract(epoch from clock_timestamp() - min(ready_at)) from blocks
    where state = 'ready' and ready_at <= clock_timestamp()
""")


def status(connection: Connection, *, version: str, bucket: str, database: str) -> ServiceStatus:
    """Counts, dispatchers and the age of the oldest block that could run; addresses are handed through."""
    oldest = connection.execute(_OLDEST).scalar_one_or_none()
    return ServiceStatus(
        version=version,
        jobs={row["state"]: row["count"] for row in connection.execute(_JOBS).mappings()},
        blocks={row["state"]: row["count"] for row in connection.execute(_BLOCKS).mappings()},
        dispatchers=tuple(known(connection)),
        oldest_ready_seconds=None if oldest is None else float(oldest),
        bucket=bucket,
        database=database,
    )
