"""Sweeps and projects of the small service: in memory, and never further than a test moves their jobs."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import prod
from typing import TYPE_CHECKING, Any

from schemas.api import Job
from schemas.canonical import digest
from schemas.jobs import Submission, training_of
from schemas.projects import Project, ProjectLimits
from schemas.states import TERMINAL_JOBS, JobState, SweepState
from schemas.sweep_bodies import (
    Failures,
    PreviewedJob,
    SubmittedSweep,
    SweepDetail,
    SweepJob,
    SweepJobPage,
    SweepPage,
    SweepPreview,
    SweepSubmission,
)
from schemas.sweeps import Point, expand

if TYPE_CHECKING:
    from tests.support.fake_service import World

SECONDS = 2.0
"""What every job of a preview costs."""


@dataclass
class Swept:
    """A sweep: what was submitted, and its jobs in order."""

    id: int
    submission: SweepSubmission
    points: tuple[Point, ...]
    jobs: tuple[int, ...]
    submitted_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def submit(world: "World", body: bytes) -> SubmittedSweep:
    """Make a sweep, or find the equal one."""
    submission = SweepSubmission.model_validate_json(body)
    same = [one for one in world.sweeps if digest(one.submission.sweep) == digest(submission.sweep)]
    if same and not submission.fresh:
        return SubmittedSweep(sweep=detail(world, same[-1]), created=False, jobs_created=0)
    points = expand(submission.sweep)
    there = {} if submission.fresh else {job.digest: job.id for job in world.jobs.values()}
    labels = submission.model_dump(exclude={"sweep", "max_running_jobs"})
    numbers = [
        there.get(digest(point.spec)) or world.add(Submission(spec=point.spec, **labels)).id for point in points
    ]
    made = Swept(len(world.sweeps) + 1, submission, points, tuple(numbers))
    world.sweeps.append(made)
    created = len(set(numbers) - set(there.values()))
    return SubmittedSweep(sweep=detail(world, made), created=True, jobs_created=created)


def detail(world: "World", sweep: Swept) -> SweepDetail:
    """The sweep as its jobs stand."""
    jobs = [world.jobs[number] for number in sweep.jobs]
    counts = Counter(job.state for job in jobs)
    reasons = Counter(job.error.message for job in jobs if job.error is not None)
    failures = [
        Failures(
            reason=reason,
            count=count,
            jobs=tuple(job.id for job in jobs if job.error is not None and job.error.message == reason)[:5],
        )
        for reason, count in reasons.most_common()
    ]
    asked = sweep.submission
    return SweepDetail(
        **{name: getattr(asked, name) for name in ("name", "project", "tags", "priority", "sweep")},
        id=sweep.id,
        digest=digest(asked.sweep),
        state=_state(counts),
        max_running_jobs=asked.max_running_jobs,
        max_running_blocks=asked.max_running_blocks,
        submitted_at=sweep.submitted_at,
        finished_at=None,
        jobs_total=len(jobs),
        jobs={state: counts[state] for state in JobState if state in counts},
        blocks={
            name: sum(getattr(job.progress, name) for job in jobs)
            for name in ("total", "done", "running", "ready", "waiting", "failed")
        },
        reasons=Counter(job.reason or "running" for job in jobs if job.state not in TERMINAL_JOBS),
        failures=failures,
        version="0",
    )


def listed(world: "World", query: dict[str, str]) -> SweepPage:
    """Sweeps, newest first."""
    start, size = int(query.get("cursor", 0)), int(query.get("limit", 50))
    every = [detail(world, sweep) for sweep in reversed(world.sweeps)]
    found = [
        one
        for one in every
        if all(getattr(one, name) == query.get(name, getattr(one, name)) for name in ("state", "name", "project"))
        and ("tag" not in query or query["tag"] in one.tags)
    ]
    more = str(start + size) if start + size < len(found) else None
    return SweepPage(items=tuple(found[start : start + size]), next=more)


def jobs(world: "World", sweep: Swept, query: dict[str, str]) -> SweepJobPage:
    """Jobs of a sweep in order."""
    start, size = int(query.get("cursor", 0)), int(query.get("limit", 50))
    members = [
        SweepJob(position=point.position, varied=point.varied, job=Job(**world.jobs[number].model_dump()))
        for point, number in zip(sweep.points, sweep.jobs, strict=True)
        if query.get("state") in (None, world.jobs[number].state)
    ]
    more = str(start + size) if start + size < len(members) else None
    return SweepJobPage(items=tuple(members[start : start + size]), next=more)


def cancel(world: "World", sweep: Swept) -> SweepDetail:
    """Cancel what has not ended."""
    for number in sweep.jobs:
        if world.jobs[number].state not in TERMINAL_JOBS:
            world.move(number, JobState.CANCELLED)
    return detail(world, sweep)


def retry(world: "World", sweep: Swept) -> SweepDetail:
    """Queue what failed or was cancelled."""
    for number in sweep.jobs:
        if world.jobs[number].state in (JobState.FAILED, JobState.CANCELLED):
            world.move(number, JobState.QUEUED, finished_at=None, error=None)
    return detail(world, sweep)


def preview(world: "World", body: bytes) -> SweepPreview:
    """What submitting would do; every job that is not done costs the same."""
    submission = SweepSubmission.model_validate_json(body)
    points = expand(submission.sweep)
    there = {job.digest: job for job in world.jobs.values()}
    found = [there.get(digest(point.spec)) for point in points]
    states = Counter(None if job is None else job.state for job in found)
    runs = {digest(run) for point in points if (run := training_of(point.spec)) is not None and run != point.spec}
    seconds = SECONDS * (len(points) - states[JobState.DONE])
    return SweepPreview(
        total=len(points),
        left_out=prod(submission.sweep.sizes) - len(points),
        new=states[None],
        done=states[JobState.DONE],
        unfinished=sum(states[state] for state in (JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING)),
        ended=states[JobState.FAILED] + states[JobState.CANCELLED],
        training_runs=len(runs),
        training_runs_done=sum(run in there and there[run].state is JobState.DONE for run in runs),
        seconds=seconds,
        measured=False,
        slots=2,
        wall_seconds=seconds / 2,
        jobs=tuple(
            PreviewedJob(
                position=point.position,
                varied=point.varied,
                digest=digest(point.spec),
                job_id=job and job.id,
                state=job and job.state,
                seconds=0.0 if job is not None and job.state is JobState.DONE else SECONDS,
            )
            for point, job in zip(points, found, strict=True)
        ),
    )


def set_project(world: "World", name: str, body: bytes) -> Project:
    """Set a project's limits, making it if need be."""
    limits = ProjectLimits.model_validate_json(body)
    nothing: dict[str, Any] = {"queued_jobs": 0, "running_jobs": 0, "running_blocks": 0}
    world.projects[name] = Project(name=name, **limits.model_dump(), **nothing, created_at=datetime.now(UTC))
    return world.projects[name]


def _state(counts: Counter[JobState]) -> SweepState:
    if any(counts[state] for state in (JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING)):
        return SweepState.RUNNING
    ended = (JobState.FAILED, SweepState.FAILED), (JobState.CANCELLED, SweepState.CANCELLED)
    return next((state for job, state in ended if counts[job]), SweepState.DONE)
