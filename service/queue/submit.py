"""Submission: a spec becomes a job, once. Durable when the transaction is.

Advisory locks on the digests involved, taken in order, make concurrent submissions of one spec line up; the partial
unique index `jobs_latest` would stop them all the same.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from schemas.brackets import Brackets
from schemas.canonical import canonical_json, digest
from schemas.jobs import AnyJob, Submission, training_of
from schemas.states import JobState
from service.errors import Conflict
from service.planner.limits import check
from service.planner.size import DataSize, data_size
from service.queue.datasets import manifest_of, pinned
from service.queue.directions import check_directions
from service.queue.events import Line, write
from service.queue.retry import revive

_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:what, 0))")
_KEY = text("select request, job_id from idempotency_keys where submitted_by = :by and key = :key")
_KEEP_KEY = text("""
    insert into idempotency_keys (submitted_by, key, request, job_id) values (:by, :key, :request, :job)
""")
_LATEST = text("""
    select id, digest, state, implicit, reason, priority from jobs where latest and digest = any(:digests)
    order by id for no key update
""")
_SUPERSEDE = text("update jobs set latest = false where id = :job")
_ADOPT = text("update jobs set implicit = false, name = coalesce(name, :name) where id = :job")
_INSERT = text("""
    insert into jobs (digest, kind, name, spec, reason, priority, max_running, implicit, submitted_by, version)
    values (:digest, :kind, :name, cast(:spec as jsonb), :reason, :priority, :max_running, :implicit, :by, :version)
    returning id
""")
_LINK = text("insert into job_parents (job_id, parent_id) values (:job, :parent)")
_HURRY = text("""
    with hurried as (
        update jobs set priority = :priority where id = :job and priority < :priority returning id
    )
    update blocks b set priority = :priority from hurried
    where b.job_id = hurried.id and b.state in ('ready', 'waiting')
""")


@dataclass(frozen=True)
class _Wanted:
    """A job that should be there."""

    spec: AnyJob
    digest: str
    name: str | None
    priority: int
    max_running: int | None
    implicit: bool


def submit(
    connection: Connection,
    submission: Submission,
    *,
    submitted_by: str,
    idempotency_key: str | None = None,
    version: str,
) -> tuple[int, bool]:
    """Accept a submission: the job's id, and whether it was created now.

    The same spec gives the same job, whatever its state, unless `fresh` is asked for. A bracket job's training run is
    found or made in the same transaction: one that was cancelled is restarted.

    Args:
        connection: In a transaction; the job is durable once that commits.
        submission: What to compute.
        submitted_by: Name of the token.
        idempotency_key: Chosen by the client; a repeated request with it answers as the first one did.
        version: Version of this service.

    Raises:
        Refused: the job is too large, or its examples or labels do not fit the data.
        Missing: the dataset, or the object of a saved direction, is not there.
        Conflict: the key came before with another submission, or the training run needed has failed.
    """
    request = digest(submission)
    if idempotency_key is not None:
        connection.execute(_LOCK, {"what": f"key:{submitted_by}:{idempotency_key}"})
        earlier = connection.execute(_KEY, {"by": submitted_by, "key": idempotency_key}).one_or_none()
        if earlier is not None:
            if earlier.request != request:
                raise Conflict(
                    "idempotency_key_reused",
                    f"the idempotency key came before with another submission, that of job {earlier.job_id}: "
                    "use a new key for each submission",
                )
            return earlier.job_id, False
    spec = pinned(connection, submission.spec)
    check(spec, _sizes(connection, spec))
    if isinstance(spec, Brackets):
        check_directions(connection, spec)
    job_id, created = _find_or_make(connection, spec, submission, submitted_by, version)
    if idempotency_key is not None:
        values = {"by": submitted_by, "key": idempotency_key, "request": request, "job": job_id}
        connection.execute(_KEEP_KEY, values)
    return job_id, created


def _sizes(connection: Connection, spec: AnyJob) -> DataSize:
    training = training_of(spec)
    if training is None:
        return DataSize(None, None, None, None)
    return data_size(training.data, manifest_of(connection, spec))


def _find_or_make(
    connection: Connection, spec: AnyJob, submission: Submission, submitted_by: str, version: str
) -> tuple[int, bool]:
    wanted = _Wanted(
        spec, digest(spec), submission.name, submission.priority, submission.max_running_blocks, implicit=False
    )
    parent = (
        _Wanted(spec.training, digest(spec.training), None, submission.priority, None, implicit=True)
        if isinstance(spec, Brackets)
        else None
    )
    digests = sorted({wanted.digest, *([parent.digest] if parent else [])})
    for one in digests:
        connection.execute(_LOCK, {"what": f"job:{one}"})
    there = {row.digest: row for row in connection.execute(_LATEST, {"digests": digests})}
    same = there.get(wanted.digest)
    if same is not None and not submission.fresh:
        if same.implicit:
            connection.execute(_ADOPT, {"job": same.id, "name": submission.name})
        return same.id, False
    if same is not None:
        connection.execute(_SUPERSEDE, {"job": same.id})
    parent_id = (
        None if parent is None else _parent(connection, parent, there.get(parent.digest), submitted_by, version)
    )
    reason = None if parent_id is None else f"waiting for parent {parent_id}"
    job_id = _insert(connection, wanted, reason, submitted_by, version)
    if parent_id is not None:
        connection.execute(_LINK, {"job": job_id, "parent": parent_id})
    return job_id, True


def _parent(connection: Connection, parent: _Wanted, there: Any, submitted_by: str, version: str) -> int:
    if there is None:
        return _insert(connection, parent, None, submitted_by, version)
    state = JobState(there.state)
    if state in {JobState.FAILED, JobState.CANCELLING}:
        raise Conflict(
            f"parent_{state.value}",
            f"job {there.id}, the training run that this needs, "
            + (
                f"failed: {there.reason}; retry it, or submit that training with fresh=true"
                if state is JobState.FAILED
                else "is being cancelled: submit again once it has stopped"
            ),
        )
    if state is JobState.CANCELLED:
        revive(connection, there.id)
    connection.execute(_HURRY, {"job": there.id, "priority": parent.priority})
    return int(there.id)


def _insert(connection: Connection, wanted: _Wanted, reason: str | None, submitted_by: str, version: str) -> int:
    job_id = connection.execute(
        _INSERT,
        {
            "digest": wanted.digest,
            "kind": wanted.spec.kind,
            "name": wanted.name,
            "spec": canonical_json(wanted.spec).decode(),
            "reason": reason,
            "priority": wanted.priority,
            "max_running": wanted.max_running,
            "implicit": wanted.implicit,
            "by": submitted_by,
            "version": version,
        },
    ).scalar_one()
    origin = "made for a job that needs it" if wanted.implicit else f"submitted by {submitted_by}"
    write(connection, [Line(job_id, f"{wanted.spec.kind} {origin}", data={"digest": wanted.digest})])
    return int(job_id)
