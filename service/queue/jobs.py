"""Reads jobs for the API."""

from typing import Any

from sqlalchemy import Connection, text

from schemas.api import Job, JobDetail, JobPage, Progress
from schemas.jobs import job_spec
from schemas.states import TERMINAL_JOBS, JobState
from service.errors import Missing
from service.queue.dispatchers import cluster
from service.queue.explain import NO_DISPATCHER

LONGEST_PAGE = 500

# Of jobs j. Blocks in later phases wait; of those up to this phase, what is neither done, running nor failed is
# ready. So only the few running and failed ones have to be counted, however large the job is.
COLUMNS = """
    j.id, j.digest, j.kind, j.name, j.state, j.reason, j.priority, j.submitted_at, j.started_at, j.finished_at,
    j.project, j.tags, j.error, j.blocks_total, j.blocks_done, j.phase_end,
    array(select parent_id from job_parents where job_id = j.id order by parent_id) as parents,
    (select count(*) from blocks where job_id = j.id and state = 'running') as running,
    (select count(*) from blocks where job_id = j.id and state = 'failed') as failed
"""
_ONE = text(f"select {COLUMNS}, j.spec, j.version from jobs j where j.id = :job")  # noqa: S608 - constants only
_PAGE = text(f"""
    select {COLUMNS} from jobs j
    where (cast(:cursor as bigint) is null or j.id < :cursor)
      and (cast(:state as text) is null or j.state = :state)
      and (cast(:kind as text) is null or j.kind = :kind)
      and (cast(:name as text) is null or j.name = :name)
      and (cast(:project as text) is null or j.project = :project)
      and (cast(:tag as text) is null or j.tags @> array[cast(:tag as text)])
    order by j.id desc limit :limit
""")  # noqa: S608 - constants only


def job(connection: Connection, job_id: int) -> Job:
    """A job with its progress.

    Raises:
        Missing: there is no such job.
    """
    return Job(**fields(_row(connection, job_id), alive=cluster(connection) is not None))


def detail(connection: Connection, job_id: int) -> JobDetail:
    """A job with its spec.

    Raises:
        Missing: there is no such job.
    """
    row = _row(connection, job_id)
    found = fields(row, alive=cluster(connection) is not None)
    return JobDetail(**found, spec=job_spec.validate_python(row.spec), version=row.version)


def page(
    connection: Connection,
    *,
    state: JobState | None = None,
    kind: str | None = None,
    name: str | None = None,
    project: str | None = None,
    tag: str | None = None,
    cursor: int | None = None,
    limit: int = 50,
) -> JobPage:
    """Jobs, newest first; `cursor` is the `next` of the page before."""
    limit = max(1, min(limit, LONGEST_PAGE))
    values = {"state": state and state.value, "kind": kind, "name": name, "project": project, "tag": tag}
    rows = connection.execute(_PAGE, values | {"cursor": cursor, "limit": limit + 1}).all()
    alive = cluster(connection) is not None
    items = tuple(Job(**fields(row, alive=alive)) for row in rows[:limit])
    return JobPage(items=items, next=str(items[-1].id) if len(rows) > limit else None)


def _row(connection: Connection, job_id: int) -> Any:
    row = connection.execute(_ONE, {"job": job_id}).one_or_none()
    if row is None:
        raise Missing("unknown_job", f"there is no job {job_id}")
    return row


def fields(row: Any, *, alive: bool) -> dict[str, Any]:
    """The fields of a Job from a row of `COLUMNS`; `alive` says whether a dispatcher lives."""
    state = JobState(row.state)
    # Reasons are written by dispatchers: when none lives, nobody else says so.
    stuck = not alive and state in {JobState.QUEUED, JobState.RUNNING}
    open_phases = row.phase_end - row.blocks_done - row.running - row.failed
    return {
        "id": row.id,
        "digest": row.digest,
        "kind": row.kind,
        "name": row.name,
        "state": state,
        "reason": NO_DISPATCHER if stuck else row.reason,
        "priority": row.priority,
        "project": row.project,
        "tags": tuple(row.tags),
        "submitted_at": row.submitted_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "parents": tuple(row.parents),
        "error": row.error,
        "progress": Progress(
            total=row.blocks_total,
            done=row.blocks_done,
            running=row.running,
            failed=row.failed,
            ready=max(0, open_phases) if state is JobState.RUNNING else 0,
            waiting=row.blocks_total - row.phase_end if state not in TERMINAL_JOBS | {JobState.CANCELLING} else 0,
        ),
    }
