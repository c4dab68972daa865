"""The state of one network of a replica job, out of the object that holds the states of its group.

Axis R: members of a group: its copy of the baseline, its twin, then its replicas in order.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from schemas.api import JobDetail
from schemas.blocks import ObjectRef
from schemas.replicas import Replicas
from schemas.states import TERMINAL_JOBS
from service.api import slices
from service.api.problems import ProblemError
from service.errors import Missing
from service.objects import ObjectStore
from service.planner.replicas import state_name
from service.queue import history, jobs

_SHOWN_STEPS = 12
_OF_A_MEMBER = ("parameters/", "buffers/", "slots/", "steps_taken")
# Of the groups' first segments: whose replicas they train is said there before anything has been computed.
_GROUP = text("""
    select (payload ->> 'group')::bigint as number, (payload -> 'replicas' ->> 0)::bigint as first
    from blocks
    where job_id = :job and kind = 'replica_segment' and (payload ->> 'start')::bigint = 0
        and case when :replica < 0 then (payload ->> 'group')::bigint = -1 - :replica
            else (payload -> 'replicas' ->> 0)::bigint <= :replica
                and :replica < (payload -> 'replicas' ->> 1)::bigint end
""")


@dataclass(frozen=True)
class MemberPlace:
    """Where a network's state is: the object of its group, and its place along R."""

    ref: ObjectRef
    position: int


def find_member(connection: Connection, job_id: int, step: int, replica: int | None) -> MemberPlace:
    """Look up the state of a replica, of the twin of group g (numbered −1 − g), or of the baseline (None).

    Raises:
        Missing: there is no such job.
        ProblemError: 404, saying why it is not there and what to do.
    """
    job = jobs.detail(connection, job_id)
    if not isinstance(job.spec, Replicas):
        raise ProblemError("not_found", f"job {job_id} is a {job.kind} job: only replica jobs have members")
    wanted = 0 if replica is None else replica
    group = connection.execute(_GROUP, {"job": job_id, "replica": wanted}).one_or_none()
    if group is None:
        raise ProblemError("not_found", _why_nobody(job, job.spec, wanted))
    try:
        ref = history.named_object(connection, job_id, state_name(step, 0 if replica is None else group.number))
    except Missing:
        raise ProblemError("not_stored", _why_unsaved(job, job.spec, step)) from None
    if replica is None:
        return MemberPlace(ref, 0)
    return MemberPlace(ref, 1 if replica < 0 else 2 + replica - group.first)


def stream(store: ObjectStore, place: MemberPlace) -> tuple[int, Iterator[bytes]]:
    """Length and chunks of a safetensors object with the member's arrays, without the axis R."""
    arrays = slices.layout(store, place.ref)
    own = {name: stored for name, stored in arrays.items() if name.startswith(_OF_A_MEMBER)}
    return slices.stream_rows(store, place.ref, own, place.position)


def _why_nobody(job: JobDetail, spec: Replicas, replica: int) -> str:
    if job.progress.total == 0:
        return f"job {job.id} is {job.state} and nothing of it has been planned yet: wait until it runs"
    return (
        f"job {job.id} has no replica {replica}: it has 0 to {spec.count - 1}, and a twin, numbered −1 − g, for each "
        "group g"
    )


def _why_unsaved(job: JobDetail, spec: Replicas, step: int) -> str:
    checkpoints = spec.training.checkpoints
    if step in checkpoints:
        advice = "retry it" if job.state in TERMINAL_JOBS else "wait until it is done"
        return f"job {job.id} is {job.state} and has not saved step {step}: {advice}"
    steps = ", ".join(map(str, checkpoints[:_SHOWN_STEPS]))
    more = f" and {len(checkpoints) - _SHOWN_STEPS} more" if len(checkpoints) > _SHOWN_STEPS else ""
    return f"job {job.id} saves steps {steps}{more}, not {step}: put it into `training.checkpoints`"
