"""Progress bars for jobs, on standard error."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from holonomy.connection import Connection
from holonomy.follow import Patience, follow
from schemas.api import Job
from schemas.states import TERMINAL_JOBS, JobState

_NAME_WIDTH = 13
"""Names such as `brackets 1234` are not cut for the sake of a long note."""


def show_until_done(connection: Connection, job: Job, patience: Patience, console: Console | None = None) -> Job:
    """Follow a job to its end with a bar; while it waits for its parents, their bars stand above it.

    Returns:
        The job in its terminal state.

    Raises:
        WaitTimeout: the job was not terminal in time.
        Unreachable: the service stayed away.
    """
    with JobBars(console) as bars:
        if job.state is JobState.QUEUED:
            for parent in job.parents:
                _show_parent(connection, job.id, parent, patience, bars)
        latest = job
        for latest in follow(connection, job.id, patience, bars.outage):
            bars.show(latest)
    return latest


def _show_parent(connection: Connection, child: int, parent: int, patience: Patience, bars: "JobBars") -> None:
    for job in follow(connection, parent, patience, bars.outage):
        bars.show(job)
        # A child that was cancelled, or failed for another reason, no longer waits.
        if connection.get(f"/v1/jobs/{child}", Job).state is not JobState.QUEUED:
            return


class JobBars(Progress):
    """One bar per job."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(
            TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=_NAME_WIDTH)),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=Console(stderr=True) if console is None else console,
        )
        self._bars = dict[int, TaskID]()

    def show(self, job: Job) -> None:
        """Bring the job's bar up to date, making it on first sight."""
        total = job.progress.total or None
        if job.id not in self._bars:
            self._bars[job.id] = self.add_task(f"{job.kind} {job.id}", total=total, note="")
        # Why a job failed is said once, in full, by the error that follows.
        waits = job.why if job.state not in TERMINAL_JOBS else None
        note = str(job.state) if waits is None else f"{job.state}: {waits}"
        self.update(self._bars[job.id], total=total, completed=job.progress.done, note=note)

    def outage(self, reason: str) -> None:
        """Say under every bar that the service is away."""
        for task in self._bars.values():
            self.update(task, note=f"waiting for the service: {reason}")
