"""What submitting a sweep would do and cost. Nothing is stored, nothing locked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from sqlalchemy import Connection, text

from schemas.states import JobState
from schemas.sweep_bodies import PreviewedJob, SweepPreview, SweepSubmission
from service.planner.costs import cost_keys
from service.planner.estimate import Estimate, estimate
from service.planner.plan import Cluster
from service.planner.wall import Limits, slots, wall_seconds
from service.queue.acceptance import Acceptance
from service.queue.costs import measured
from service.queue.dispatchers import cluster
from service.queue.making import Wanted
from service.queue.sweeps.submit import Planned, accept

_THERE = text("""
    select id, digest, state,
           case when blocks_total > 0 then 1 - blocks_done::float8 / blocks_total else 1 end as left
    from jobs where latest and digest = any(:digests)
""")
_LIMITS = text("""
    select least(cast(:jobs as integer), (select max_running_jobs from projects where name = :project)) as jobs,
           least(cast(:blocks as integer), (select max_running_blocks from projects where name = :project)) as blocks
""")


@dataclass(frozen=True)
class _Found:
    """A job that is wanted: the one that is there for its digest, if one is, and what is left to compute of it."""

    there: Any
    left: Estimate

    @property
    def state(self) -> JobState | None:
        return None if self.there is None else JobState(self.there.state)


def preview_sweep(connection: Connection, submission: SweepSubmission) -> SweepPreview:
    """Every job that a sweep would have, with what is there already, and what is left to compute.

    Raises:
        Refused, Missing: the sweep would not be accepted, as `submit_sweep` says.
    """
    acceptance = Acceptance(connection)
    planned = accept(acceptance, submission)
    wanted = {one.digest: one for each in planned for one in (each.wanted, each.parent) if one is not None}
    there = {} if submission.fresh else _there(connection, wanted)
    available = cluster(connection) or Cluster(cpu=0)
    found = _found(connection, acceptance, wanted, there, available)
    jobs = [found[one.wanted.digest] for one in planned]
    runs = {one.parent.digest for one in planned if one.parent is not None}
    # A run whose children are all done is not trained for their sake.
    needed = {
        one.parent.digest
        for one, job in zip(planned, jobs, strict=True)
        if one.parent is not None and job.state is not JobState.DONE
    }
    left = [job.left for job in jobs] + [found[digest].left for digest in needed]
    states = Counter(job.state for job in jobs)
    return SweepPreview(
        total=len(planned),
        left_out=prod(submission.sweep.sizes) - len(planned),
        new=states[None],
        done=states[JobState.DONE],
        unfinished=states[JobState.QUEUED] + states[JobState.RUNNING] + states[JobState.CANCELLING],
        ended=states[JobState.FAILED] + states[JobState.CANCELLED],
        training_runs=len(runs),
        training_runs_done=sum(found[digest].state is JobState.DONE for digest in runs),
        seconds=sum(one.slot_seconds for one in left),
        measured=all(one.measured for one in left if one.slot_seconds),
        slots=sum(slots(available, device) for device in {one.device for one in left}),
        wall_seconds=wall_seconds(left, _longest(planned, found), available, _limits(connection, submission)),
        jobs=tuple(
            PreviewedJob(
                position=position,
                varied=dict(one.point.varied),
                digest=one.wanted.digest,
                job_id=None if job.there is None else job.there.id,
                state=job.state,
                seconds=job.left.slot_seconds,
            )
            for position, (one, job) in enumerate(zip(planned, jobs, strict=True))
        ),
    )


def _there(connection: Connection, wanted: Mapping[str, Wanted]) -> dict[str, Any]:
    return {row.digest: row for row in connection.execute(_THERE, {"digests": list(wanted)})}


def _found(
    connection: Connection,
    acceptance: Acceptance,
    wanted: Mapping[str, Wanted],
    there: Mapping[str, Any],
    available: Cluster,
) -> dict[str, _Found]:
    """The jobs and the training runs that they need, by digest."""
    costs = measured(connection, {key for one in wanted.values() for key in cost_keys(one.spec).values()})

    def left(one: Wanted) -> Estimate:
        whole = estimate(one.spec, acceptance.size(one.spec), costs, available)
        row = there.get(one.digest)
        return whole if row is None else whole.times(0.0 if row.state == JobState.DONE else float(row.left))

    return {digest: _Found(there.get(digest), left(one)) for digest, one in wanted.items()}


def _longest(planned: Sequence[Planned], found: Mapping[str, _Found]) -> float:
    """Seconds of the longest chain: of a job, or of a training run and what waits for it."""

    def chain(one: Planned) -> float:
        own = found[one.wanted.digest]
        if one.parent is None or own.state is JobState.DONE:
            return own.left.serial_seconds
        return own.left.serial_seconds + found[one.parent.digest].left.serial_seconds

    return max(map(chain, planned))


def _limits(connection: Connection, submission: SweepSubmission) -> Limits:
    """The narrower ones of the sweep and its project."""
    own = {"jobs": submission.max_running_jobs, "blocks": submission.max_running_blocks}
    row = connection.execute(_LIMITS, own | {"project": submission.project}).one()
    return Limits(row.jobs, row.blocks)
