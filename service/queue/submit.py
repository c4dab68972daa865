"""Submission: a spec becomes a job, once. Durable when the transaction is."""

from typing import Any

from sqlalchemy import Connection

from schemas.brackets import Brackets
from schemas.canonical import digest
from schemas.jobs import AnyJob, Submission
from schemas.states import JobState
from service.errors import Conflict
from service.queue.acceptance import Acceptance
from service.queue.keys import Key
from service.queue.locks import lock_digests
from service.queue.making import Origin, Wanted, adopt, hurry, latest, link, make, supersede
from service.queue.projects import make_project
from service.queue.retry import revive


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
    key = Key(submitted_by, idempotency_key, digest(submission))
    earlier = key.earlier(connection)
    if earlier is not None:
        return earlier, False
    spec = Acceptance(connection).accept(submission.spec)
    job_id, created = _find_or_make(connection, spec, submission, Origin(submission, submitted_by, version))
    key.keep(connection, job_id=job_id)
    return job_id, created


def _find_or_make(connection: Connection, spec: AnyJob, submission: Submission, origin: Origin) -> tuple[int, bool]:
    wanted = Wanted(spec, digest(spec))
    parent = Wanted(spec.training, digest(spec.training)) if isinstance(spec, Brackets) else None
    digests = {wanted.digest, *([parent.digest] if parent else [])}
    lock_digests(connection, digests)
    there = latest(connection, digests)
    same = there.get(wanted.digest)
    if same is not None and not submission.fresh:
        adopt(connection, [same.id], submission.name)
        return same.id, False
    if same is not None:
        supersede(connection, [same.id])
    make_project(connection, submission.project)
    parent_id = None if parent is None else _parent(connection, parent, there.get(parent.digest), origin)
    job_id = make(connection, [wanted], origin, implicit=False)[wanted.digest]
    if parent_id is not None:
        link(connection, {job_id: parent_id})
    return job_id, True


def _parent(connection: Connection, parent: Wanted, there: Any, origin: Origin) -> int:
    if there is None:
        return make(connection, [parent], origin, implicit=True)[parent.digest]
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
    hurry(connection, [there.id], origin.labels.priority)
    return int(there.id)
