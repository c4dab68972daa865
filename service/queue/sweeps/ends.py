"""Notices that sweeps have ended: their state follows that of their jobs."""

from sqlalchemy import Connection, text

_ENDED = """
    s.finished_at is null and not exists (
        select from sweep_jobs m join jobs j on j.id = m.job_id
        where m.sweep_id = s.id and j.state in ('queued', 'running', 'cancelling')
    )
"""
_LOCK = text(f"select id from sweeps s where {_ENDED} order by id for no key update skip locked")  # noqa: S608 - constants
# Finished sweeps keep their state, so that lists of them cost the same however many jobs they have.
_END = text(f"""
    with ended as (
        select s.id,
               case when counts.failed > 0 then 'failed' when counts.cancelled > 0 then 'cancelled' else 'done' end
                   as state,
               coalesce(counts.last, s.submitted_at) as finished_at
        from sweeps s cross join lateral (
            select count(*) filter (where j.state = 'failed') as failed,
                   count(*) filter (where j.state = 'cancelled') as cancelled, max(j.finished_at) as last
            from sweep_jobs m join jobs j on j.id = m.job_id where m.sweep_id = s.id
        ) counts
        where s.id = any(:sweeps) and {_ENDED}
    )
    update sweeps s set state = ended.state, finished_at = greatest(ended.finished_at, s.submitted_at)
    from ended where s.id = ended.id
""")  # noqa: S608 - constants only


def end_sweeps(connection: Connection) -> int:
    """Write the state of sweeps whose jobs have all ended; how many."""
    locked = connection.execute(_LOCK).scalars().all()
    # A statement of its own, which sees what was retried before the lock; what is retried later opens them again.
    return connection.execute(_END, {"sweeps": locked}).rowcount if locked else 0
