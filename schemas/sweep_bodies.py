"""Bodies of the HTTP API about sweeps."""

from datetime import datetime
from typing import Any

from schemas.api import Body, Job, Page, Progress
from schemas.base import Digest
from schemas.jobs import Labels, Limit
from schemas.states import JobState, SweepState
from schemas.sweeps import Sweep


class SweepSubmission(Labels):
    """The body of a sweep's submission. Only `sweep` is digested; its labels are those of its jobs too."""

    sweep: Sweep
    """What to compute."""
    max_running_jobs: Limit | None = None
    """At most this many of its jobs run at once."""


class SweepInfo(Body):
    """A sweep as the API lists it."""

    id: int
    """Number of the sweep."""
    digest: Digest
    """Digest of the sweep."""
    name: str | None
    """Label for people."""
    project: str
    """Project that it belongs to."""
    tags: tuple[str, ...]
    """Labels to find it by."""
    state: SweepState
    """Where it stands, as its jobs do."""
    priority: int
    """Higher goes first."""
    max_running_jobs: int | None
    """Most of its jobs that run at once."""
    max_running_blocks: int | None
    """Most of its blocks that run at once."""
    submitted_at: datetime
    """When it was accepted."""
    finished_at: datetime | None
    """When its last job ended."""
    jobs_total: int
    """Jobs in it, each once; training runs that were made for them are not counted."""


class Failures(Body):
    """Jobs of a sweep that failed for one reason."""

    reason: str
    """The reason, as the first of them gives it."""
    count: int
    """How many."""
    jobs: tuple[int, ...]
    """The first of them."""


class SweepDetail(SweepInfo):
    """A sweep with its spec and how far it is."""

    sweep: Sweep
    """As submitted, with data pinned."""
    jobs: dict[JobState, int]
    """Jobs by state."""
    blocks: Progress
    """Blocks of its jobs, and of the training runs made for them, by state."""
    reasons: dict[str, int]
    """Why unfinished jobs do not run, with how many say so."""
    failures: tuple[Failures, ...]
    """Why jobs failed, most frequent first."""
    version: str
    """Version of the service that accepted it."""


class SubmittedSweep(Body):
    """The answer to a sweep's submission."""

    sweep: SweepInfo
    """The sweep."""
    created: bool
    """False when the same sweep had been submitted before and that one was returned."""
    jobs_created: int
    """Jobs made now; the others were there already. Training runs made for them are not counted."""


class SweepPage(Page):
    """Sweeps, newest first."""

    items: tuple[SweepInfo, ...]
    """Sweeps."""


class SweepJob(Body):
    """A job in a sweep."""

    position: int
    """Place in the sweep, from 0."""
    varied: dict[str, Any]
    """Value of each varied field by its path."""
    job: Job
    """The job."""


class SweepJobPage(Page):
    """Jobs of a sweep in order."""

    items: tuple[SweepJob, ...]
    """Jobs."""


class PreviewedJob(Body):
    """A job that a sweep would have."""

    position: int
    """Place in the sweep, from 0."""
    varied: dict[str, Any]
    """Value of each varied field by its path."""
    digest: Digest
    """Digest of its spec."""
    job_id: int | None
    """The job that is there already for this spec."""
    state: JobState | None
    """Where that stands."""
    seconds: float
    """Estimated work of its own that is left, in seconds of one worker slot."""


class SweepPreview(Body):
    """What submitting a sweep would do; nothing was stored."""

    total: int
    """Jobs in the sweep, each once."""
    left_out: int
    """Points of the grid that are no jobs: constraints exclude them, or they give the spec of an earlier one."""
    new: int
    """Jobs that would be made."""
    done: int
    """Jobs whose results are there."""
    unfinished: int
    """Jobs that wait or run already."""
    ended: int
    """Jobs that are there but failed or were cancelled. The sweep runs those again that were cancelled; `retry` runs
    the others."""
    training_runs: int
    """Distinct training runs that jobs of the sweep need as parents."""
    training_runs_done: int
    """Of those, runs that are trained."""
    seconds: float
    """Estimated work that is left, training runs included, in seconds of one worker slot."""
    measured: bool
    """Whether every rate in the estimate was measured here; guesses are rough until a model's blocks have run."""
    slots: int
    """Worker slots that would do most of it, as many as there are now."""
    wall_seconds: float | None
    """Estimated time until the last job is done if nothing else runs; null where a job has no slot to run on. It is
    the largest of what slots and limits allow, and of the longest training run with what waits for it."""
    jobs: tuple[PreviewedJob, ...]
    """Every job, in order."""
