"""Projects: made by naming them, with limits that can be changed at any time."""

from typing import Any

from sqlalchemy import Connection, Engine, text

from schemas.nearest import did_you_mean
from schemas.projects import Project, ProjectLimits
from service.errors import Missing
from service.queue.caps import recap

_MAKE = text("insert into projects (name) values (:name) on conflict (name) do nothing")
_SET = text("""
    insert into projects (name, max_running_jobs, max_running_blocks) values (:name, :jobs, :blocks)
    on conflict (name) do update
    set max_running_jobs = excluded.max_running_jobs, max_running_blocks = excluded.max_running_blocks
""")
_ALL = text("""
    with running as materialized (
        select j.project, count(*) as blocks from blocks b join jobs j on j.id = b.job_id
        where b.state = 'running' group by j.project
    )
    select p.*, coalesce(running.blocks, 0) as running_blocks,
           (select count(*) from jobs j where j.project = p.name and j.state = 'queued') as queued_jobs,
           (select count(*) from jobs j where j.project = p.name and j.state in ('running', 'cancelling'))
               as running_jobs
    from projects p left join running on running.project = p.name
    where cast(:name as text) is null or p.name = :name
    order by p.name
""")
_NAMES = text("select name from projects order by name")


def make_project(connection: Connection, name: str) -> None:
    """Make a project without limits, unless it is there."""
    connection.execute(_MAKE, {"name": name})


def listed(connection: Connection) -> list[Project]:
    """Every project, by name, and what of it waits and runs."""
    return [_project(row) for row in connection.execute(_ALL, {"name": None})]


def project(connection: Connection, name: str) -> Project:
    """A project, and what of it waits and runs.

    Raises:
        Missing: nobody has named it; the message has the nearest name that is there.
    """
    row = connection.execute(_ALL, {"name": name}).one_or_none()
    if row is None:
        known = connection.execute(_NAMES).scalars().all()
        raise Missing(
            "unknown_project",
            f"there is no project `{name}`{did_you_mean(name, known)}: submit a job to it, or set its limits",
        )
    return _project(row)


def set_limits(engine: Engine, name: str, limits: ProjectLimits) -> None:
    """Set the limits of a project, which is made if need be. They bind its unfinished jobs when this returns.

    What runs goes on: where more runs than the new limit, nothing starts until less does.
    """
    values = {"name": name, "jobs": limits.max_running_jobs, "blocks": limits.max_running_blocks}
    with engine.begin() as connection:
        connection.execute(_SET, values)
    recap(engine)


def _project(row: Any) -> Project:
    return Project(**row._mapping)
