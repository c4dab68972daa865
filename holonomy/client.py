"""The client: submit jobs and sweeps, find them again, import data."""

import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack, overload

from pydantic import ValidationError

from holonomy.across import Named, TablesAcross, numbers
from holonomy.connection import Connection
from holonomy.datasets import Datasets
from holonomy.errors import Refused
from holonomy.handle import JobHandle
from holonomy.jobs import BracketsJob, DiagnosticJob, TrainingJob, handle_of
from holonomy.labels import JobLabels, SweepLabels
from holonomy.pages import pages
from holonomy.projects import Projects
from holonomy.query import query_batches, query_of
from holonomy.replicas import ReplicasJob
from holonomy.schedules import Schedules
from holonomy.sweeps import SweepHandle, list_sweeps, preview, submit_sweep
from holonomy.tokens import Tokens
from holonomy.transport import HttpTransport, Transport
from schemas.api import Job, JobPage, ServiceStatus, Submitted
from schemas.brackets import Brackets
from schemas.diagnostic import Diagnostic
from schemas.jobs import DEFAULT_PROJECT, AnyJob, Submission
from schemas.mistakes import explain
from schemas.query_bodies import ParameterValue
from schemas.replicas import Replicas
from schemas.states import JobState, SweepState
from schemas.sweep_bodies import SweepDetail, SweepPreview
from schemas.sweeps import Sweep
from schemas.training import Training

if TYPE_CHECKING:
    import polars

    from holonomy.compare.asked import AskedSide
    from holonomy.compare.comparison import Asked, Comparison
    from holonomy.export import Report as ImportReport
    from schemas.exports import ExportManifest


def unheard(*_: object) -> None:
    """Nobody wants to know how far it is."""


class Client(TablesAcross):
    """A connection to a Holonomy service.

    Without arguments: the service named by HOLONOMY_URL and HOLONOMY_TOKEN, else the embedded stack of this machine,
    which is started if it is not running.

    Example:
        >>> job = Client().submit(Brackets(training=Training(steps=100, checkpoints=(0,)), examples=range(8)))
        >>> job.wait().pairs(step=0, limit=3)

    Args:
        url: Address of the service, `http://HOST:PORT`.
        token: Token for it.
        transport: Sends the calls in place of HTTP; for tests and gateways.

    Raises:
        Unconfigured: there is no address, and the embedded stack is not installed or does not start.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, transport: Transport | None = None
    ) -> None:
        self._transport = _connected(url, token) if transport is None else transport
        super().__init__(Connection(self._transport))
        self.data = Datasets(self._connection)
        """Datasets that specs can name."""
        self.projects = Projects(self._connection)
        """Limits on what of a project runs at once."""
        self.tokens = Tokens(self._connection)
        """Who may do what; needs the scope `admin`."""
        self.schedules = Schedules(self._connection)
        """What the service fires at cron instants."""

    @overload
    def submit(self, spec: Training, **labels: Unpack[JobLabels]) -> TrainingJob: ...
    @overload
    def submit(self, spec: Brackets, **labels: Unpack[JobLabels]) -> BracketsJob: ...
    @overload
    def submit(self, spec: Replicas, **labels: Unpack[JobLabels]) -> ReplicasJob: ...
    @overload
    def submit(self, spec: Diagnostic, **labels: Unpack[JobLabels]) -> DiagnosticJob: ...
    @overload
    def submit(self, spec: Sweep, **labels: Unpack[SweepLabels]) -> SweepHandle: ...

    def submit(
        self,
        spec: AnyJob | Sweep,
        *,
        fresh: bool = False,
        name: str | None = None,
        project: str = DEFAULT_PROJECT,
        tags: Sequence[str] = (),
        priority: int = 0,
        max_running_blocks: int | None = None,
        max_running_jobs: int | None = None,
    ) -> JobHandle | SweepHandle:
        """Submit a job or a sweep. Once this returns, it is stored and will run, whatever happens to this process.

        The same spec submitted again gives the same job, finished or not, unless `fresh` is asked for; so does the
        same sweep. Jobs of a sweep that were submitted before are found and not computed again, and training runs
        that several of them need are trained once.

        Args:
            spec: What to compute.
            fresh: Compute again even when the same spec was submitted before.
            name: A label for people.
            project: The project that it belongs to, whose limits bind it; one that is new is made.
            tags: Labels to find it by.
            priority: From -100 to 100; higher goes first.
            max_running_blocks: At most this many blocks, of the job or of the whole sweep, run at once.
            max_running_jobs: At most this many jobs of the sweep run at once.

        Raises:
            Refused: the service, or the check before it, does not accept it; the message says why.
            Unreachable: no answer; submitting again is safe.
        """
        labels: JobLabels = {
            "fresh": fresh,
            "name": name,
            "project": project,
            "tags": tuple(tags),
            "priority": priority,
            "max_running_blocks": max_running_blocks,
        }
        if isinstance(spec, Sweep):
            return submit_sweep(self._connection, spec, {**labels, "max_running_jobs": max_running_jobs})
        if max_running_jobs is not None:
            raise Refused("max_running_jobs is a limit of sweeps; that of a job is max_running_blocks")
        try:
            submission = Submission.model_validate({"spec": spec, **labels})
        except ValidationError as error:
            raise Refused(explain(error, Submission)) from None
        # The key makes a submission that is sent twice, after a broken connection, one submission.
        answer = self._connection.post("/v1/jobs", Submitted, submission, idempotency_key=str(uuid.uuid4()))
        return handle_of(self._connection, answer.job, created=answer.created)

    def preview(self, work: Sweep | AnyJob, **labels: Unpack[SweepLabels]) -> SweepPreview:
        """What submitting a sweep, or a job, would do: its jobs, which are there, and what is left to compute.

        Nothing is stored. `labels` are those of `submit`.

        Raises:
            Refused: `submit` would refuse it as well.
        """
        return preview(self._connection, work, **labels)

    def sweep(self, sweep_id: int) -> SweepHandle:
        """The handle of a sweep by its number.

        Raises:
            NotFound: there is no such sweep.
        """
        return SweepHandle(self._connection, self._connection.get(f"/v1/sweeps/{sweep_id}", SweepDetail))

    def sweeps(
        self,
        *,
        state: SweepState | str | None = None,
        name: str | None = None,
        tag: str | None = None,
        project: str | None = None,
        limit: int | None = None,
    ) -> Iterator[SweepHandle]:
        """Handles of sweeps, newest first, fetched page by page as they are looked at.

        Args:
            state: Only those in this state.
            name: Only those with this label.
            tag: Only those with this tag.
            project: Only those of this project.
            limit: At most so many.
        """
        return list_sweeps(self._connection, state=state, name=name, tag=tag, project=project, limit=limit)

    def job(self, job_id: int) -> JobHandle:
        """The handle of a job by its number: a TrainingJob, BracketsJob, ReplicasJob or DiagnosticJob.

        Raises:
            NotFound: there is no such job.
        """
        return handle_of(self._connection, self._connection.get(f"/v1/jobs/{job_id}", Job))

    def jobs(
        self,
        *,
        state: JobState | str | None = None,
        kind: str | None = None,
        name: str | None = None,
        tag: str | None = None,
        project: str | None = None,
        sweep: SweepHandle | int | None = None,
        limit: int | None = None,
    ) -> Iterator[JobHandle]:
        """Handles of jobs, newest first, fetched page by page as they are looked at.

        Args:
            state: Only those in this state.
            kind: Only those of this kind of spec.
            name: Only those with this label.
            tag: Only those with this tag.
            project: Only those of this project.
            sweep: Only those of this sweep, or of the one with this number, in its order.
            limit: At most so many.

        Raises:
            Refused: jobs of a sweep are chosen by anything else but their state.
        """
        query = {"kind": kind, "name": name, "tag": tag, "project": project}
        if sweep is not None:
            if any(asked is not None for asked in query.values()):
                raise Refused(
                    "jobs of a sweep are chosen by their state alone: leave kind, name, tag and project out"
                )
            found = self.sweep(sweep) if isinstance(sweep, int) else sweep
            yield from (member.job for member in itertools.islice(found.jobs(state=state), limit))
            return
        for page in pages(self._connection, "/v1/jobs", JobPage, {"state": state, **query}, limit):
            yield from (handle_of(self._connection, job) for job in page.items)

    def query(
        self,
        sql: str,
        *,
        limit: int | None = None,
        timeout: float | None = None,
        parameters: Mapping[str, ParameterValue] | None = None,
    ) -> "polars.DataFrame":
        """Rows of a SELECT on the views of schema `results`, which the service runs as a role that may only read.

        Args:
            sql: One statement. Numbers of Postgres' type numeric come as float64, JSON as text.
            limit: At most so many rows; 100,000 by default, 10,000,000 at most.
            timeout: Longest it may take, in seconds; 30 by default, 600 at most.
            parameters: Values for names that stand in it as `:name`.

        Warns:
            RowsLeftOut: there were more rows than `limit`.

        Raises:
            Refused: it writes, takes too long, is no SQL, or names what is not there; the message says where.
        """
        import polars

        return polars.concat(self.query_batches(sql, limit=limit, timeout=timeout, parameters=parameters))

    def query_batches(
        self,
        sql: str,
        *,
        limit: int | None = None,
        timeout: float | None = None,
        parameters: Mapping[str, ParameterValue] | None = None,
    ) -> "Iterator[polars.DataFrame]":
        """The rows of `query` as they arrive, in data frames of about a megabyte, at least one."""
        return query_batches(self._connection, query_of(sql, limit, timeout, parameters))

    def replica_statistics(
        self, jobs: Sequence[ReplicasJob | int], metric: str = "distance", step: int | None = None
    ) -> "polars.DataFrame":
        """A metric of several replica jobs over their seeds, jobs that differ in anything else apart.

        Args:
            jobs: Finished replica jobs, or their numbers.
            metric: Column of `replica_metrics`, or `aligned_distance`.
            step: Only this look; all by default.

        Raises:
            NotFound: no such job.
            Refused: a job is of another kind or not done, seeds are equal, or there is no such metric.
        """
        from holonomy.seeds import over_seeds  # numpy costs a third of the import time

        return over_seeds([self._replicas(job) for job in jobs], metric, step)

    def compare(
        self,
        a: "AskedSide",
        b: "AskedSide",
        metric: "Asked | None" = None,
        threshold: float | str | None = None,
        confidence: float = 0.95,
    ) -> "Comparison":
        """What changed from one sweep to another, beyond the spread over seeds.

        Jobs are grouped by everything that a side varies but seeds; groups that both sides have are compared.

        Args:
            a: The earlier side: a sweep or its number, or a list of jobs or of their numbers.
            b: The later one.
            metric: One or several, such as `"median(pairs.defect)@300"`; by default the median defect and the RMS of
                brackets at every checkpoint, the mean end distance of replicas, the last test loss of training runs.
            threshold: Smaller relative changes do not count: 0.05 or `"5%"`.
            confidence: Probability that all intervals hold at once.

        Raises:
            NotFound: there is no such sweep or job.
            Refused: jobs that have not ended, fewer than two seeds in a group, nothing that both sides have, or a
                metric that there is not.
        """
        from holonomy.compare.asked import side_of  # numpy costs a third of the import time
        from holonomy.compare.comparison import compare

        first, second = side_of(self._connection, a), side_of(self._connection, b)
        return compare(first, second, metric, threshold, confidence)

    def _replicas(self, job: ReplicasJob | int) -> ReplicasJob:
        found = self.job(job) if isinstance(job, int) else job
        if not isinstance(found, ReplicasJob):
            raise Refused(f"statistics over seeds are of replica jobs; job {found.id} is a {found.kind} job")
        return found

    def scan(self, table: str, *, jobs: Named = (), sweep: Named = ()) -> "polars.LazyFrame":
        """A table of many done jobs as a lazy frame, of which only the columns and row groups that are used travel.

        polars itself reads the Parquet files over HTTP, in ranges through the service, because so the client needs no
        credentials of the object store; a ticket in the address, good for twelve hours, stands for the token.

        The service writes the files on first demand. Column `job_id` comes first; conditions on it leave out whole
        files. What sweeps vary comes as columns behind it, as in `table`; conditions on those leave out files as
        well. Jobs of a sweep that are not done are left out.

        Args:
            table: A result table, or `blocks` or `events` for how the jobs went.
            jobs: Done jobs, as numbers or handles.
            sweep: Sweeps, as numbers or handles.

        Raises:
            Refused: a job is not done, there is no such table, or none of the jobs has it.
            NotFound: there is no such job or sweep.
            Unconfigured: the client speaks to the service in another way than HTTP.
        """
        from holonomy.parquet import scan

        return scan(self._connection, table, jobs=jobs, sweep=sweep)

    def export(
        self,
        folder: str | Path,
        *,
        jobs: Named = (),
        sweeps: Named = (),
        objects: bool = True,
        report: Callable[[int, int], None] = unheard,
        tell: Callable[[str], None] = unheard,
    ) -> "ExportManifest":
        """Write done jobs and sweeps, with the training runs they stand on, as Parquet and safetensors into a folder.

        Interrupted, or on a full disk, the same call goes on where it stopped; the manifest is written last.

        Args:
            folder: New, empty, or of the same export before.
            jobs: Done jobs, as numbers or handles.
            sweeps: Sweeps, as numbers or handles; their jobs that are not done are left out.
            objects: Whether to write arrays as well as tables.
            report: Told after each piece: bytes that are there, bytes in all.
            tell: Told in words what is left out.

        Raises:
            Refused: a job is not done, nothing is asked for, or the folder holds something else.
            NotFound: there is no such job or sweep.
            DiskFull: there is no room; what is complete stays.
        """
        from holonomy.export import export

        return export(
            self._connection,
            Path(folder),
            jobs=numbers(jobs),
            sweeps=numbers(sweeps),
            objects=objects,
            report=report,
            tell=tell,
        )

    def import_(
        self,
        folder: str | Path,
        *,
        checking: Callable[[int, int], None] = unheard,
        sending: Callable[[int, int], None] = unheard,
    ) -> "ImportReport":
        """Store an export of another installation: the same rows, objects and digests under new numbers.

        Needs the scope `admin`. Every digest is checked before anything is sent, each job appears whole or not at
        all, and those that are there already are left alone, so that the same call goes on where one stopped.

        Args:
            folder: Of the export.
            checking: Told after each file: bytes checked, bytes in all.
            sending: Told after each file: bytes that the service has, bytes in all.

        Raises:
            BadFile: a file is missing, or is not what the manifest says; nothing was imported.
            Refused: the service does not take a job; those before it stay.
        """
        from holonomy.export import import_export

        return import_export(self._connection, Path(folder), checking=checking, sending=sending)

    def status(self) -> ServiceStatus:
        """What runs and what waits on the service."""
        return self._connection.get("/v1/status", ServiceStatus)

    def close(self) -> None:
        """Close the kept connections; jobs go on."""
        if isinstance(self._transport, HttpTransport):
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _connected(url: str | None, token: str | None) -> HttpTransport:
    from holonomy.address import connect  # reading settings costs a fifth of the import time

    return connect(url, token)
