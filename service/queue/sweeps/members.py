"""Which jobs are in a sweep, in which order, with which fields varied."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

_ADD = text("""
    insert into sweep_jobs (sweep_id, position, job_id, varied)
    select :sweep, place - 1, job_id, varied
    from unnest(cast(:jobs as bigint[]), cast(:varied as jsonb[])) with ordinality as member(job_id, varied, place)
""")
# Also those that have not ended: whoever is about to end one must see that its job goes on.
_LOCK = text("""
    select id from sweeps where id in (select sweep_id from sweep_jobs where job_id = any(:jobs))
    order by id for no key update
""")
_REOPEN = text("""
    with reopened as (
        update sweeps s set state = 'running', finished_at = null, cancel_requested_at = null
        where s.id = any(:sweeps) and s.finished_at is not null
        returning s.id
    )
    update firings f set state = 'running', finished_at = null, reason = null from reopened
    where f.sweep_id = reopened.id and f.state in ('failed', 'cancelled')
""")


@dataclass(frozen=True)
class Member:
    """A job in a sweep."""

    job_id: int
    varied: Mapping[str, Any]


def add(connection: Connection, sweep_id: int, members: Sequence[Member]) -> None:
    """Put jobs into a new sweep, in order."""
    values = {
        "sweep": sweep_id,
        "jobs": [member.job_id for member in members],
        "varied": [json.dumps(dict(member.varied)) for member in members],
    }
    connection.execute(_ADD, values)


def reopen(connection: Connection, jobs: Sequence[int]) -> None:
    """Sweeps that had ended go on when jobs in them do, and so do the firings of schedules that they came from."""
    sweeps = connection.execute(_LOCK, {"jobs": list(jobs)}).scalars().all()
    if sweeps:
        connection.execute(_REOPEN, {"sweeps": sweeps})
