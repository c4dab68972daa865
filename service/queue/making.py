"""Makes jobs, many in one statement, and finds those that are there. The callers hold the locks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from schemas.canonical import canonical_json
from schemas.jobs import AnyJob, Labels
from service.queue.events import Line, write

_LATEST = text("""
    select id, digest, state, implicit, reason, priority from jobs where latest and digest = any(:digests)
    order by id for no key update
""")
_SUPERSEDE = text("update jobs set latest = false where id = any(:jobs)")
# It was made for another job, or by a sweep: now somebody wants it for itself, and it no longer goes with that.
_ADOPT = text("""
    update jobs set implicit = false, sweep_id = null, name = coalesce(name, :name)
    where id = any(:jobs) and (implicit or sweep_id is not null)
""")
_INSERT = text("""
    insert into jobs (
        digest, kind, name, spec, priority, max_running, implicit, project, tags, sweep_id, submitted_by, version
    )
    select digest, kind, :name, spec, :priority, :max_running, :implicit, :project, cast(:tags as text[]), :sweep,
           :by, :version
    from unnest(cast(:digests as text[]), cast(:kinds as text[]), cast(:specs as jsonb[])) with ordinality
        as wanted(digest, kind, spec, place)
    order by place
    returning id, digest
""")
_LINK = text("""
    with linked as (
        insert into job_parents (job_id, parent_id)
        select * from unnest(cast(:jobs as bigint[]), cast(:parents as bigint[]))
        returning job_id, parent_id
    )
    update jobs set reason = 'waiting for parent ' || linked.parent_id from linked where jobs.id = linked.job_id
""")
_HURRY = text("""
    with hurried as (
        update jobs set priority = :priority where id = any(:jobs) and priority < :priority returning id
    )
    update blocks b set priority = :priority from hurried
    where b.job_id = hurried.id and b.state in ('ready', 'waiting')
""")
# A statement makes this many jobs, so that the statement timeout is one of a piece.
_PIECE = 2_000


@dataclass(frozen=True)
class Wanted:
    """A job that should be there: its pinned spec with its digest."""

    spec: AnyJob
    digest: str


@dataclass(frozen=True)
class Origin:
    """Who asks for jobs, under which labels.

    Attributes:
        labels: Labels of the submission; a job made for another has project and priority of these alone.
        by: Name of the token.
        version: Version of this service.
        sweep_id: The sweep that makes them, if one does.
    """

    labels: Labels
    by: str
    version: str
    sweep_id: int | None = None


def latest(connection: Connection, digests: Iterable[str]) -> dict[str, Any]:
    """The jobs that digests name, under lock: rows with id, digest, state, implicit, reason and priority."""
    return {row.digest: row for row in connection.execute(_LATEST, {"digests": sorted(set(digests))})}


def supersede(connection: Connection, jobs: Iterable[int]) -> None:
    """Let digests name other jobs, which are about to be made."""
    connection.execute(_SUPERSEDE, {"jobs": sorted(jobs)})


def adopt(connection: Connection, jobs: Iterable[int], name: str | None) -> None:
    """Make jobs ones that were asked for themselves, whatever they were made for."""
    connection.execute(_ADOPT, {"jobs": sorted(jobs), "name": name})


def hurry(connection: Connection, jobs: Iterable[int], priority: int) -> None:
    """Raise the priority of jobs that others wait for."""
    connection.execute(_HURRY, {"jobs": sorted(jobs), "priority": priority})


def link(connection: Connection, parents: dict[int, int]) -> None:
    """Let each job, a key, wait for its parent."""
    connection.execute(_LINK, {"jobs": list(parents), "parents": list(parents.values())})


def make(connection: Connection, wanted: Sequence[Wanted], origin: Origin, *, implicit: bool) -> dict[str, int]:
    """Insert jobs; their ids by digest, ascending in the order given. `implicit` ones are made for others alone."""
    made: dict[str, int] = {}
    for piece in _pieces(wanted):
        rows = connection.execute(
            _INSERT,
            {
                "digests": [one.digest for one in piece],
                "kinds": [one.spec.kind for one in piece],
                "specs": [canonical_json(one.spec).decode() for one in piece],
                "name": None if implicit else origin.labels.name,
                "priority": origin.labels.priority,
                "max_running": None if implicit else _limit_of_job(origin),
                "implicit": implicit,
                "project": origin.labels.project,
                "tags": [] if implicit else list(origin.labels.tags),
                "sweep": origin.sweep_id,
                "by": origin.by,
                "version": origin.version,
            },
        )
        made |= {row.digest: row.id for row in rows}
        write(connection, [Line(made[one.digest], _first_line(one, origin, implicit=implicit)) for one in piece])
    return made


def _limit_of_job(origin: Origin) -> int | None:
    """A sweep's limit is of all its blocks together."""
    return origin.labels.max_running_blocks if origin.sweep_id is None else None


def _first_line(wanted: Wanted, origin: Origin, *, implicit: bool) -> str:
    if implicit:
        return f"{wanted.spec.kind} made for a job that needs it"
    if origin.sweep_id is not None:
        return f"{wanted.spec.kind} made by sweep {origin.sweep_id}, submitted by {origin.by}"
    return f"{wanted.spec.kind} submitted by {origin.by}"


def _pieces(wanted: Sequence[Wanted]) -> Iterator[Sequence[Wanted]]:
    return (wanted[start : start + _PIECE] for start in range(0, len(wanted), _PIECE))
