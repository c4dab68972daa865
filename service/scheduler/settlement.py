"""Firings whose sweeps have ended are settled, in the order of their instants."""

from datetime import datetime
from itertools import groupby

from sqlalchemy import Engine, text

from service.scheduler.rows import try_lock
from service.scheduler.streaks import pause_after_failures

BATCH = 500
"""Firings of one look."""

_ENDED = text("""
    select f.schedule_id from firings f join sweeps s on s.id = f.sweep_id
    where f.state = 'running' and s.state in ('done', 'failed', 'cancelled')
    order by f.schedule_id limit :most
""")
_SETTLE = text("""
    update firings f set state = s.state, finished_at = coalesce(s.finished_at, :now),
        reason = case s.state when 'failed' then 'jobs of sweep ' || s.id || ' failed'
                              when 'cancelled' then 'sweep ' || s.id || ' was cancelled' end
    from sweeps s
    where f.schedule_id = :schedule and f.state = 'running' and s.id = f.sweep_id
        and s.state in ('done', 'failed', 'cancelled')
""")


def settle(engine: Engine, now: datetime) -> int:
    """Settle what has ended, a schedule at a time; how many firings."""
    with engine.connect() as connection:
        ended = connection.execute(_ENDED, {"most": BATCH}).scalars().all()
    settled = 0
    for schedule_id, _ in groupby(ended):
        with engine.begin() as connection:
            schedule = try_lock(connection, schedule_id)
            if schedule is not None:
                settled += connection.execute(_SETTLE, {"schedule": schedule_id, "now": now}).rowcount
                pause_after_failures(connection, schedule, now)
    return settled
