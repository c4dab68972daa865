"""Submission of a sweep: its jobs, and the training runs they need, in one transaction."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from schemas.brackets import Brackets
from schemas.canonical import canonical_json, digest
from schemas.states import JobState
from schemas.sweep_bodies import SweepSubmission
from schemas.sweeps import Point, expand
from service.errors import Refused
from service.queue.acceptance import Acceptance
from service.queue.keys import Key
from service.queue.locks import lock_submissions
from service.queue.making import Origin, Wanted, hurry, latest, link, make, supersede
from service.queue.projects import make_project
from service.queue.retry import revive
from service.queue.sweeps.members import Member, add
from service.queue.sweeps.stop import resume_cancelled

_SAME = text("""
    select id from sweeps where latest and digest = :digest and cancel_requested_at is null
""")
_SUPERSEDE = text("update sweeps set latest = false where latest and digest = :digest")
_INSERT = text("""
    insert into sweeps (
        digest, name, project, tags, spec, priority, max_running_jobs, max_running_blocks, jobs_total, submitted_by,
        version
    )
    values (
        :digest, :name, :project, cast(:tags as text[]), cast(:spec as jsonb), :priority, :max_running_jobs,
        :max_running_blocks, :total, :by, :version
    )
    returning id
""")
# Jobs of other sweeps that were made for one and stay with it.
_WANT = text("update jobs set implicit = false where id = any(:jobs) and implicit")
# Lists are read along the index that their filter leaves fewest rows of, which is not known of rows that just came.
_ANALYZE = text("analyze jobs, sweep_jobs")
_MANY = 1_000


@dataclass(frozen=True)
class Submitted:
    """A sweep that was found or made."""

    sweep_id: int
    created: bool
    jobs_created: int


@dataclass(frozen=True)
class Planned:
    """A point of a sweep as it was accepted: its pinned spec, and the training run that it needs."""

    point: Point
    wanted: Wanted
    parent: Wanted | None


def submit_sweep(
    connection: Connection,
    submission: SweepSubmission,
    *,
    submitted_by: str,
    version: str,
    idempotency_key: str | None = None,
    always: bool = False,
) -> Submitted:
    """Accept a sweep. Its jobs that were submitted before are found and not made again; cancelled ones run again.

    The same sweep gives the same one, unless it was cancelled or `fresh` is asked for. With `fresh`, all its jobs are
    made anew, and so are the training runs that they need, each once.

    Args:
        connection: In a transaction; the sweep is durable once that commits.
        submission: What to compute.
        submitted_by: Name of the token.
        version: Version of this service.
        idempotency_key: Chosen by the client; a repeated request with it answers as the first one did.
        always: Make a sweep even when there is an equal one; its jobs are found all the same.

    Raises:
        Refused: the sweep has too many points, or one that is not valid, too large or does not fit the data.
        Missing: a dataset, or the object of a saved direction, is not there.
        Conflict: the key came before with another submission.
    """
    key = Key(submitted_by, idempotency_key, digest(submission))
    earlier = key.earlier(connection)
    if earlier is not None:
        return Submitted(earlier, created=False, jobs_created=0)
    planned = accept(Acceptance(connection), submission)
    named = _digest(submission, planned)
    lock_submissions(connection)
    same = None if always or submission.fresh else connection.execute(_SAME, {"digest": named}).one_or_none()
    if same is not None:
        key.keep(connection, sweep_id=same.id)
        return Submitted(same.id, created=False, jobs_created=0)
    make_project(connection, submission.project)
    # Locks the jobs that are there: rows of jobs come before rows of sweeps.
    there = latest(connection, _digests(planned))
    connection.execute(_SUPERSEDE, {"digest": named})
    sweep_id = _insert(connection, submission, named, len(planned), submitted_by, version)
    origin = Origin(submission, submitted_by, version, sweep_id)
    jobs, made = _make(connection, planned, there, origin)
    add(connection, sweep_id, [Member(jobs[one.wanted.digest], one.point.varied) for one in planned])
    resume_cancelled(connection, sweep_id)
    if made >= _MANY:
        connection.execute(_ANALYZE)
    key.keep(connection, sweep_id=sweep_id)
    return Submitted(sweep_id, created=True, jobs_created=made)


def accept(acceptance: Acceptance, submission: SweepSubmission) -> list[Planned]:
    """The points of a sweep with pinned specs, each spec once.

    Raises:
        Refused, Missing: as `submit_sweep`; the message names the point.
    """
    planned = dict[str, Planned]()
    try:
        points = expand(submission.sweep)
    except ValueError as error:
        raise Refused("invalid_sweep", str(error)) from None
    for point in points:
        try:
            spec = acceptance.accept(point.spec)
        except Refused as error:
            raise type(error)(error.code, f"{_told(point)}: {error.detail}") from None
        wanted = Wanted(spec, digest(spec))
        parent = Wanted(spec.training, digest(spec.training)) if isinstance(spec, Brackets) else None
        planned.setdefault(wanted.digest, Planned(point, wanted, parent))
    return list(planned.values())


def _told(point: Point) -> str:
    values = ", ".join(f"{path} = {json.dumps(value)}" for path, value in point.varied.items())
    return f"point {point.position} ({values})" if values else f"point {point.position}"


def _digest(submission: SweepSubmission, planned: Sequence[Planned]) -> str:
    """SHA-256 of the sweep and of the digests of its jobs, which change with the data that a name stands for."""
    hashed = hashlib.sha256(canonical_json(submission.sweep))
    for one in planned:
        hashed.update(one.wanted.digest.encode())
    return hashed.hexdigest()


def _insert(
    connection: Connection, submission: SweepSubmission, named: str, total: int, submitted_by: str, version: str
) -> int:
    sweep_id = connection.execute(
        _INSERT,
        {
            "digest": named,
            "name": submission.name,
            "project": submission.project,
            "tags": list(submission.tags),
            "spec": canonical_json(submission.sweep).decode(),
            "priority": submission.priority,
            "max_running_jobs": submission.max_running_jobs,
            "max_running_blocks": submission.max_running_blocks,
            "total": total,
            "by": submitted_by,
            "version": version,
        },
    ).scalar_one()
    return int(sweep_id)


def _digests(planned: Sequence[Planned]) -> set[str]:
    """Of the jobs and of the training runs that they need."""
    return {wanted.digest for one in planned for wanted in (one.wanted, one.parent) if wanted is not None}


def _make(
    connection: Connection, planned: Sequence[Planned], there: Mapping[str, Any], origin: Origin
) -> tuple[dict[str, int], int]:
    """Make what is not there of the jobs and their parents: jobs by digest, and how many were made."""
    if origin.labels.fresh:
        supersede(connection, [row.id for row in there.values()])
        there = {}
    found = {one.wanted.digest: int(there[one.wanted.digest].id) for one in planned if one.wanted.digest in there}
    connection.execute(_WANT, {"jobs": sorted(found.values())})
    new = [one for one in planned if one.wanted.digest not in found]
    runs = _parents(connection, {one.parent.digest: one.parent for one in new if one.parent}, there, origin)
    made = make(connection, [one.wanted for one in new], origin, implicit=False)
    link(connection, {made[one.wanted.digest]: runs[one.parent.digest] for one in new if one.parent is not None})
    return found | made, len(made)


def _parents(
    connection: Connection, wanted: Mapping[str, Wanted], there: Mapping[str, Any], origin: Origin
) -> dict[str, int]:
    """The training runs by digest. One that failed or is being cancelled is taken as it is: its children say so."""
    found = {digest: there[digest] for digest in wanted if digest in there}
    for row in found.values():
        if row.state == JobState.CANCELLED:
            revive(connection, row.id)
    hurry(connection, [row.id for row in found.values()], origin.labels.priority)
    made = make(connection, [run for digest, run in wanted.items() if digest not in found], origin, implicit=True)
    return {digest: int(row.id) for digest, row in found.items()} | made
