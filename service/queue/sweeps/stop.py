"""Cancel and retry a whole sweep.

Job rows are locked in the order of their ids, all before anything is decided, and the sweep's row after them.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from service.errors import Missing
from service.queue.cancel import cancel_locked
from service.queue.events import Line, write
from service.queue.retry import revive
from service.queue.settle import LockedJob, lock
from service.queue.sweeps.members import reopen

_THERE = text("select 1 from sweeps where id = :sweep")
# What a cancellation may touch: what the sweep made, and the training runs made for that.
_CONCERNED = text("""
    with own as (select id from jobs where sweep_id = :sweep and state in ('queued', 'running'))
    select id from own
    union
    select p.id from own join job_parents l on l.job_id = own.id join jobs p on p.id = l.parent_id
    where p.implicit and p.state in ('queued', 'running')
""")
# What another sweep has found as well goes on under that one.
_HAND_OVER = text("""
    with heirs as (
        select m.job_id, min(other.id) as sweep_id
        from jobs j join sweep_jobs m on m.job_id = j.id join sweeps other on other.id = m.sweep_id
        where j.id = any(:jobs) and j.sweep_id = :sweep and j.state in ('queued', 'running') and other.id <> :sweep
          and other.finished_at is null and other.cancel_requested_at is null
        group by m.job_id
    )
    update jobs j set sweep_id = heir.id, project = heir.project
    from heirs join sweeps heir on heir.id = heirs.sweep_id
    where j.id = heirs.job_id
""")
_OWN = text("""
    select id from jobs
    where id = any(:jobs) and sweep_id = :sweep and not implicit and state in ('queued', 'running') order by id
""")
# Whichever sweep or job they were made for first.
_RUNS = text("""
    select p.id from jobs p
    where p.id = any(:jobs) and p.implicit and p.state in ('queued', 'running')
      and exists (select from job_parents l where l.parent_id = p.id and l.job_id = any(:children))
      and not exists (
          select from job_parents l join jobs child on child.id = l.job_id
          where l.parent_id = p.id and child.state in ('queued', 'running')
      )
    order by p.id
""")
_REQUEST = text("""
    update sweeps set cancel_requested_at = clock_timestamp(), state = 'cancelling'
    where id = :sweep and finished_at is null
""")
# Blocks first, for a claim may take one until then: as when one job is cancelled, but many in one statement.
_STOP_BLOCKS = text("""
    update blocks set state = 'cancelled', reason = 'its job was cancelled', finished_at = clock_timestamp()
    where job_id = any(:jobs) and state in ('ready', 'waiting')
""")
_STOP_JOBS = text("""
    with stopped as (
        select id, (select count(*) from blocks where job_id = jobs.id and state = 'running') as running
        from jobs where id = any(:jobs)
    )
    update jobs j set cancel_requested_at = clock_timestamp(),
        state = case when running > 0 then 'cancelling' else 'cancelled' end,
        reason = case when running > 0 then running || ' blocks still running' else 'cancelled' end,
        finished_at = case when running = 0 then clock_timestamp() end
    from stopped where j.id = stopped.id
    returning j.id, running
""")
_MENDING = text("select distinct job_id from blocks where job_id = any(:jobs) and mending")
_BLOCKS_AT_ONCE = 20_000
_STOPPED = text("""
    select j.id, not exists (select from objects where job_id = j.id and dropped_at is not null) as whole from jobs j
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
    locked = lock(connection, connection.execute(_CONCERNED, {"sweep": sweep_id}).scalars())
    # Each by a statement of its own, which sees what others have committed before they let go of the locks.
    values = {"sweep": sweep_id, "jobs": list(locked)}
    connection.execute(_HAND_OVER, values)
    own = connection.execute(_OWN, values).scalars().all()
    _cancel(connection, [locked[job_id] for job_id in own])
    runs = connection.execute(_RUNS, values | {"children": own}).scalars().all()
    _cancel(connection, [locked[job_id] for job_id in runs])
    connection.execute(_REQUEST, {"sweep": sweep_id})
    return len(own) + len(runs)


def retry_sweep(connection: Connection, sweep_id: int) -> int:
    """Queue the failed and cancelled jobs of a sweep, to go on from where they stopped; how many, parents included.

    Raises:
        Missing: there is no such sweep.
    """
    _check(connection, sweep_id)
    stopped = connection.execute(_STOPPED, {"sweep": sweep_id}).all()
    # The planner resumes them, a few at a time: done here, that would hold their locks for a minute.
    whole = [row.id for row in stopped if row.whole]
    connection.execute(_QUEUE_AGAIN, {"jobs": whole})
    reopen(connection, whole)
    write(connection, [Line(job_id, "runs again from where it stopped, with its sweep") for job_id in whole])
    for row in stopped:
        if not row.whole:
            revive(connection, row.id)
    if stopped:
        connection.execute(_RESUME, {"sweep": sweep_id})
    return len(stopped)


def _check(connection: Connection, sweep_id: int) -> None:
    if connection.execute(_THERE, {"sweep": sweep_id}).one_or_none() is None:
        raise Missing("unknown_sweep", f"there is no sweep {sweep_id}")


def _cancel(connection: Connection, jobs: Sequence[LockedJob]) -> None:
    """Cancel locked jobs that have not ended."""
    mending = set(connection.execute(_MENDING, {"jobs": [job.id for job in jobs]}).scalars())
    piece, blocks = list[int](), 0
    for job in jobs:
        if job.id in mending or job.blocks_total > _BLOCKS_AT_ONCE:
            cancel_locked(connection, job.id)
            continue
        if blocks + job.blocks_total > _BLOCKS_AT_ONCE:
            _cancel_many(connection, piece)
            piece, blocks = [], 0
        piece.append(job.id)
        blocks += job.blocks_total
    _cancel_many(connection, piece)


def _cancel_many(connection: Connection, jobs: Sequence[int]) -> None:
    connection.execute(_STOP_BLOCKS, {"jobs": jobs})
    stopped = connection.execute(_STOP_JOBS, {"jobs": jobs}).all()
    words = {row.id: "cancel requested" if row.running else "job cancelled" for row in stopped}
    write(connection, [Line(job_id, f"{words[job_id]}, with its sweep", "warning") for job_id in jobs])
