"""Sweeps: submit one, look at what it would do, and a handle of one that was submitted."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, Unpack

from holonomy.across import TablesAcross
from holonomy.checked import checked
from holonomy.connection import Connection
from holonomy.errors import SweepCancelled, SweepFailed
from holonomy.follow import Deadline, Patience
from holonomy.handle import JobHandle
from holonomy.jobs import handle_of
from holonomy.labels import SweepLabels
from holonomy.sweep_follow import follow_sweep
from holonomy.varied import members, with_varied
from schemas.jobs import AnyJob
from schemas.states import JobState, SweepState
from schemas.sweep_bodies import (
    Failures,
    SubmittedSweep,
    SweepDetail,
    SweepInfo,
    SweepPreview,
    SweepSubmission,
)
from schemas.sweeps import Sweep

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class SweptJob:
    """A job of a sweep."""

    position: int
    """Its place in the sweep, from 0."""
    varied: Mapping[str, Any]
    """Value of each varied field by its path."""
    job: JobHandle
    """Its handle."""


class SweepHandle:
    """A sweep that was submitted. Nothing is fetched before it is asked for."""

    def __init__(
        self, connection: Connection, sweep: SweepInfo, *, created: bool = False, jobs_created: int = 0
    ) -> None:
        self._connection = connection
        self._sweep = sweep
        self.created = created
        """Whether this submission made the sweep; False when an equal one was there already."""
        self.jobs_created = jobs_created
        """Jobs that this submission made; the others were there already."""

    @property
    def id(self) -> int:
        """Number of the sweep."""
        return self._sweep.id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} of {self._sweep.jobs_total} jobs {self._sweep.state}>"

    @property
    def seen(self) -> SweepInfo:
        """The sweep as it was when last looked at; nothing is fetched."""
        return self._sweep

    def status(self) -> SweepDetail:
        """The sweep as it is now: its jobs and blocks by state, why jobs wait, why jobs failed."""
        return self._looked(self._connection.get(self._path(), SweepDetail))

    def failures(self) -> tuple[Failures, ...]:
        """Why jobs failed, the most frequent reason first, with the first jobs that say so."""
        return self.status().failures

    def jobs(self, *, state: JobState | str | None = None) -> Iterator[SweptJob]:
        """The jobs in the order of the sweep, fetched page by page; with `state`, only those in it."""
        paths = self._detail().sweep.paths
        for found in members(self._connection, self.id, state):
            # The database does not keep the order of the fields.
            varied = {path: found.varied[path] for path in paths if path in found.varied}
            yield SweptJob(found.position, varied, handle_of(self._connection, found.job))

    def wait(self, *, progress: bool = True, timeout: float | None = None) -> Self:
        """Wait until all jobs have ended, through restarts of the service.

        Args:
            progress: Draw a progress bar on standard error, where that is a terminal.
            timeout: Seconds to wait; None waits for ever.

        Returns:
            This handle, so that results can be asked of it at once.

        Raises:
            SweepFailed: jobs failed; the message counts them and has the worst reason.
            SweepCancelled: jobs were cancelled, and none failed.
            WaitTimeout: jobs are still going.
            Unreachable: the service stayed away.
        """
        patience = Patience(Deadline(timeout))
        if progress:
            from holonomy.sweep_progress import show_sweep_until_ended

            latest = show_sweep_until_ended(self._connection, self.id, patience)
        else:
            for latest in follow_sweep(self._connection, self.id, patience):
                self._looked(latest)
        raise_unless_all_done(self._looked(latest))
        return self

    def cancel(self) -> SweepDetail:
        """Stop what this sweep made and has not finished; what others want as well goes on."""
        return self._looked(self._connection.post(self._path("cancel"), SweepDetail, repeatable=True))

    def retry(self) -> SweepDetail:
        """Run the jobs that failed or were cancelled again; finished blocks are kept."""
        return self._looked(self._connection.post(self._path("retry"), SweepDetail))

    def varied(self) -> "polars.DataFrame":
        """One row per job in the order of the sweep: `job_id`, a column per varied field, its place and its state.

        Columns are called by the fields' paths; values that are no numbers, texts or truth values come as JSON.
        """
        import polars

        swept = list(self.jobs())
        jobs = polars.DataFrame(
            {
                "job_id": [member.job.id for member in swept],
                "position": [member.position for member in swept],
                "state": [str(member.job.seen.state) for member in swept],
            }
        )
        return with_varied(jobs, {member.job.id: dict(member.varied) for member in swept})

    def table(
        self,
        name: str,
        *,
        step: int | None = None,
        columns: str | Sequence[str] | None = None,
        where: str | Sequence[str] = (),
        order_by: str | Sequence[str] | None = None,
        limit: int | None = None,
    ) -> "polars.DataFrame":
        """Rows of a result table of all jobs, with what was varied; see `Client.table` for the arguments.

        Raises:
            Refused: no such table or column, or a condition that cannot be read.
        """
        across = TablesAcross(self._connection)
        return across.table(name, sweep=self, step=step, columns=columns, where=where, order_by=order_by, limit=limit)

    def _detail(self) -> SweepDetail:
        """The sweep with its spec, which does not change."""
        return self._sweep if isinstance(self._sweep, SweepDetail) else self.status()

    def _looked(self, sweep: SweepDetail) -> SweepDetail:
        self._sweep = sweep
        return sweep

    def _path(self, *parts: str) -> str:
        return "/".join(("/v1/sweeps", str(self.id), *parts))


def submit_sweep(connection: Connection, sweep: Sweep, labels: SweepLabels) -> SweepHandle:
    """Submit a sweep; see `Client.submit`."""
    # The key makes a submission that is sent twice, after a broken connection, one submission.
    answer = connection.post(
        "/v1/sweeps", SubmittedSweep, _submission(sweep, labels), idempotency_key=str(uuid.uuid4())
    )
    return SweepHandle(connection, answer.sweep, created=answer.created, jobs_created=answer.jobs_created)


def preview(connection: Connection, work: Sweep | AnyJob, **labels: Unpack[SweepLabels]) -> SweepPreview:
    """What submitting a sweep, or a job, would do; see `Client.preview`."""
    sweep = work if isinstance(work, Sweep) else Sweep(base=work)
    return connection.post("/v1/sweeps/preview", SweepPreview, _submission(sweep, labels), repeatable=True)


def raise_unless_all_done(sweep: SweepDetail) -> None:
    """Raises SweepFailed or SweepCancelled for a sweep that ended with jobs that have no result."""
    if sweep.state not in (SweepState.FAILED, SweepState.CANCELLED):
        return
    kind = SweepFailed if sweep.state is SweepState.FAILED else SweepCancelled
    counts = ", ".join(f"{count:,} {state}" for state, count in sweep.jobs.items() if count)
    worst = ""
    if sweep.failures:
        first = sweep.failures[0]
        others = " and others" if first.count > len(first.jobs) else ""
        numbers = ", ".join(map(str, first.jobs))
        worst = f"; {first.count:,} because {first.reason} (job {numbers}{others})"
    ended = "failed" if sweep.state is SweepState.FAILED else "was cancelled"
    raise kind(f"sweep {sweep.id} {ended}: of {sweep.jobs_total:,} jobs {counts}{worst}", sweep)


def _submission(sweep: Sweep, labels: SweepLabels) -> SweepSubmission:
    return checked(SweepSubmission, {"sweep": sweep, **labels})
