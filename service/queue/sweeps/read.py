"""Reads sweeps for the API."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, text

from schemas.api import Job, Progress
from schemas.states import TERMINAL_JOBS, JobState, SweepState
from schemas.sweep_bodies import Failures, SweepDetail, SweepInfo, SweepJob, SweepJobPage, SweepPage
from schemas.sweeps import Sweep
from service.errors import Missing
from service.queue.dispatchers import cluster
from service.queue.jobs import COLUMNS, LONGEST_PAGE, fields

SHOWN_FAILURES = 5
SHOWN_JOBS = 5

_COLUMNS = """
    id, digest, name, project, tags, state, priority, max_running_jobs, max_running_blocks, submitted_at, finished_at,
    jobs_total
"""
_ONE = text(f"select {_COLUMNS}, spec, version from sweeps where id = :sweep")  # noqa: S608 - constants only
_PAGE = text(f"""
    select {_COLUMNS} from sweeps
    where (cast(:cursor as bigint) is null or id < :cursor)
      and (cast(:state as text) is null or state = :state)
      and (cast(:name as text) is null or name = :name)
      and (cast(:project as text) is null or project = :project)
      and (cast(:tag as text) is null or tags @> array[cast(:tag as text)])
    order by id desc limit :limit
""")  # noqa: S608 - constants only
_COUNTS = text("""
    select j.state, count(*) as count from sweep_jobs m join jobs j on j.id = m.job_id
    where m.sweep_id = :sweep group by j.state
""")
_WITH_RUNS = """
    with members as (
        select job_id from sweep_jobs where sweep_id = :sweep
        union select id from jobs where sweep_id = :sweep and implicit
    )
"""
_BLOCKS = text(f"""
    {_WITH_RUNS}
    select coalesce(sum(j.blocks_total), 0) as total, coalesce(sum(j.blocks_done), 0) as done,
           (select count(*) from blocks b join members on members.job_id = b.job_id where b.state = 'running')
               as running,
           (select count(*) from blocks b join members on members.job_id = b.job_id where b.state = 'ready') as ready,
           (select count(*) from blocks b join members on members.job_id = b.job_id where b.state = 'waiting')
               as waiting,
           (select count(*) from blocks b join members on members.job_id = b.job_id where b.state = 'failed')
               as failed
    from jobs j join members on members.job_id = j.id
""")  # noqa: S608 - constants only
_REASONS = text("""
    select coalesce(reason, 'running') as reason, count(*) as count
    from sweep_jobs m join jobs j on j.id = m.job_id
    where m.sweep_id = :sweep and j.state in ('queued', 'running', 'cancelling')
    group by 1 order by 2 desc, 1 limit :shown
""")
# Messages that differ in numbers alone, such as a block's or a step's, are of one kind.
_FAILURES = text("""
    select min(j.reason) as reason, count(*) as count, (array_agg(j.id order by j.id))[1:(:jobs)] as jobs
    from sweep_jobs m join jobs j on j.id = m.job_id
    where m.sweep_id = :sweep and j.state = 'failed'
    group by regexp_replace(coalesce(j.reason, ''), '[0-9]+', '#', 'g') order by 2 desc, 1 limit :shown
""")
_JOBS = text(f"""
    select m.position, m.varied, {COLUMNS} from sweep_jobs m join jobs j on j.id = m.job_id
    where m.sweep_id = :sweep and m.position > :cursor and (cast(:state as text) is null or j.state = :state)
    order by m.position limit :limit
""")  # noqa: S608 - constants only


def sweep(connection: Connection, sweep_id: int) -> SweepInfo:
    """A sweep as lists show it.

    Raises:
        Missing: there is no such sweep.
    """
    return SweepInfo(**_named(_row(connection, sweep_id)))


def detail(connection: Connection, sweep_id: int) -> SweepDetail:
    """A sweep with its spec, its progress and what went wrong.

    Raises:
        Missing: there is no such sweep.
    """
    row = _row(connection, sweep_id)
    one = {"sweep": sweep_id, "shown": SHOWN_FAILURES, "jobs": SHOWN_JOBS}
    counts = {JobState(found.state): found.count for found in connection.execute(_COUNTS, one)}
    blocks = connection.execute(_BLOCKS, one).one()
    named = _named(row)
    named["state"] = _outcome(counts) or named["state"]  # which is written soon after the last job has ended
    return SweepDetail(
        **named,
        sweep=Sweep.model_validate(row.spec),
        version=row.version,
        jobs={state: counts[state] for state in JobState if state in counts},
        blocks=Progress(**blocks._mapping),
        reasons={found.reason: found.count for found in connection.execute(_REASONS, one)},
        failures=tuple(
            Failures(reason=found.reason or "no reason was kept", count=found.count, jobs=tuple(found.jobs))
            for found in connection.execute(_FAILURES, one)
        ),
    )


def page(
    connection: Connection,
    *,
    state: SweepState | None = None,
    name: str | None = None,
    project: str | None = None,
    tag: str | None = None,
    cursor: int | None = None,
    limit: int = 50,
) -> SweepPage:
    """Sweeps, newest first; `cursor` is the `next` of the page before."""
    limit = max(1, min(limit, LONGEST_PAGE))
    values = {"state": state and state.value, "name": name, "project": project, "tag": tag}
    rows = connection.execute(_PAGE, values | {"cursor": cursor, "limit": limit + 1}).all()
    items = tuple(SweepInfo(**_named(row)) for row in rows[:limit])
    return SweepPage(items=items, next=str(items[-1].id) if len(rows) > limit else None)


def jobs(
    connection: Connection,
    sweep_id: int,
    *,
    state: JobState | None = None,
    cursor: int | None = None,
    limit: int = 100,
) -> SweepJobPage:
    """Jobs of a sweep in order; `cursor` is the `next` of the page before.

    Raises:
        Missing: there is no such sweep.
    """
    _row(connection, sweep_id)
    limit = max(1, min(limit, LONGEST_PAGE))
    values = {"sweep": sweep_id, "state": state and state.value, "cursor": -1 if cursor is None else cursor}
    rows = connection.execute(_JOBS, values | {"limit": limit + 1}).all()
    alive = cluster(connection) is not None
    items = tuple(
        SweepJob(position=row.position, varied=row.varied, job=Job(**fields(row, alive=alive)))
        for row in rows[:limit]
    )
    return SweepJobPage(items=items, next=str(items[-1].position) if len(rows) > limit else None)


def _outcome(states: Collection[JobState]) -> SweepState | None:
    """How a sweep ended whose jobs are in these states; None while one of them goes on."""
    if not TERMINAL_JOBS.issuperset(states):
        return None
    ended = {JobState.FAILED: SweepState.FAILED, JobState.CANCELLED: SweepState.CANCELLED}
    return next((sweep for job, sweep in ended.items() if job in states), SweepState.DONE)


def _row(connection: Connection, sweep_id: int) -> Any:
    row = connection.execute(_ONE, {"sweep": sweep_id}).one_or_none()
    if row is None:
        raise Missing("unknown_sweep", f"there is no sweep {sweep_id}")
    return row


def _named(row: Any) -> dict[str, Any]:
    return {name: row._mapping[name] for name in SweepInfo.model_fields}
