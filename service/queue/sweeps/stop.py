"""Cancel and retry a whole sweep. Job rows are locked in the order of their ids, and the sweep's row after them."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from service.errors import Missing
from service.queue.cancel import cancel_locked
from service.queue.events import Line, write
from service.queue.retry import revive
from service.queue.settle import lock
from service.queue.sweeps.members import reopen

_THERE = text("select 1 from sweeps where id = :sweep")
# What the sweep made and nobody else wants: a sweep that found the job takes it over.
_HAND_OVER = text("""
    with heirs as (
        select m.job_id, min(other.id) as sweep_id
        from jobs j join sweep_jobs m on m.job_id = j.id join sweeps other on other.id = m.sweep_id
        where j.sweep_id = :sweep and j.state in ('queued', 'running') and other.id <> :sweep
          and other.finished_at is null and other.cancel_requested_at is null
        group by m.job_id
    )
    update jobs j set sweep_id = heir.id, project = heir.project
    from heirs join sweeps heir on heir.id = heirs.sweep_id
    where j.id = heirs.job_id
""")
_OWN = text("""
    select j.id from jobs j join sweep_jobs m on m.job_id = j.id and m.sweep_id = :sweep
    where j.sweep_id = :sweep and j.state in ('queued', 'running') order by j.id
""")
_RUNS = text("""
    select p.id from jobs p
    where p.sweep_id = :sweep and p.implicit and p.state in ('queued', 'running') and not exists (
        select from job_parents l join jobs child on child.id = l.job_id
        where l.parent_id = p.id and child.state in ('queued', 'running')
    ) order by p.id
""")
_REQUEST = text("""
    update sweeps set cancel_requested_at = clock_timestamp(), state = 'cancelling'
    where id = :sweep and finished_at is null
""")
# Jobs that were never planned have no blocks, and go in one statement.
_CANCEL_QUEUED = text("""
    update jobs set state = 'cancelled', cancel_requested_at = clock_timestamp(), finished_at = clock_timestamp(),
        reason = 'cancelled'
    where id = any(:jobs) and state = 'queued'
    returning id
""")
_STOPPED = text("""
    select j.id, j.blocks_total = 0 as unplanned from jobs j
    where j.state in ('failed', 'cancelled') and (
        j.id in (select job_id from sweep_jobs where sweep_id = :sweep)
        or j.id in (
            select l.parent_id from job_parents l join sweep_jobs m on m.job_id = l.job_id
            join jobs child on child.id = l.job_id
            where m.sweep_id = :sweep and child.state in ('failed', 'cancelled')
        )
    )
    order by j.id for no key update
""")
_QUEUE_AGAIN = text("""
    update jobs set state = 'queued', finished_at = null, error = null, reason = null, cancel_requested_at = null
    where id = any(:jobs)
""")
# Also a sweep of which nobody has noticed yet that its last job was cancelled.
_RESUME = text("""
    update sweeps set state = 'running', finished_at = null, cancel_requested_at = null where id = :sweep
""")


def cancel_sweep(connection: Connection, sweep_id: int) -> int:
    """Cancel what a sweep made and has not finished, training runs included; how many jobs.

    Jobs that were submitted on their own as well, and those that another unfinished sweep found, go on.

    Raises:
        Missing: there is no such sweep.
    """
    _check(connection, sweep_id)
    connection.execute(_HAND_OVER, {"sweep": sweep_id})
    stopped = _cancel(connection, connection.execute(_OWN, {"sweep": sweep_id}).scalars().all())
    stopped += _cancel(connection, connection.execute(_RUNS, {"sweep": sweep_id}).scalars().all())
    connection.execute(_REQUEST, {"sweep": sweep_id})
    return stopped


def retry_sweep(connection: Connection, sweep_id: int) -> int:
    """Run the failed and cancelled jobs of a sweep again, from where they stopped; how many, parents included.

    Raises:
        Missing: there is no such sweep.
    """
    _check(connection, sweep_id)
    stopped = connection.execute(_STOPPED, {"sweep": sweep_id}).all()
    unplanned = [row.id for row in stopped if row.unplanned]
    connection.execute(_QUEUE_AGAIN, {"jobs": unplanned})
    reopen(connection, unplanned)
    write(connection, [Line(job_id, "runs again, with its sweep") for job_id in unplanned])
    for row in stopped:
        if not row.unplanned:
            revive(connection, row.id)
    if stopped:
        connection.execute(_RESUME, {"sweep": sweep_id})
    return len(stopped)


def _check(connection: Connection, sweep_id: int) -> None:
    if connection.execute(_THERE, {"sweep": sweep_id}).one_or_none() is None:
        raise Missing("unknown_sweep", f"there is no sweep {sweep_id}")


def _cancel(connection: Connection, jobs: Sequence[int]) -> int:
    locked = lock(connection, jobs)
    at_once = connection.execute(_CANCEL_QUEUED, {"jobs": list(locked)}).scalars().all()
    write(connection, [Line(job_id, "job cancelled, with its sweep", "warning") for job_id in at_once])
    for job_id in locked.keys() - set(at_once):
        cancel_locked(connection, job_id)
    return len(locked)
