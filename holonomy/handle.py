"""A handle of a submitted job: look, wait, cancel, retry, read its log and its results."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from holonomy.arrays import Arrays, read_arrays
from holonomy.arrow_stream import ARROW
from holonomy.connection import Connection
from holonomy.errors import JobCancelled, JobFailed, NotFound, ServiceFault
from holonomy.follow import Deadline, Patience, follow
from holonomy.tables import read_arrow, table_query
from schemas.api import Block, BlockPage, Event, EventPage, Job, JobDetail, Manifest
from schemas.overview import Overview
from schemas.states import TERMINAL_JOBS, JobState

if TYPE_CHECKING:
    import polars


class JobHandle:
    """A job of any kind. Nothing is fetched before it is asked for."""

    def __init__(self, connection: Connection, job: Job, *, created: bool = False) -> None:
        self._connection = connection
        self._job = job
        self.created = created
        """Whether this submission made the job; False when an equal one was there already."""

    @property
    def id(self) -> int:
        """Number of the job."""
        return self._job.id

    @property
    def kind(self) -> str:
        """Kind of its spec."""
        return self._job.kind

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self._job.kind} {self._job.state}>"

    @property
    def seen(self) -> Job:
        """The job as it was when last looked at; nothing is fetched."""
        return self._job

    def status(self) -> Job:
        """The job as it is now."""
        self._job = self._connection.get(self._path(), Job)
        return self._job

    def detail(self) -> JobDetail:
        """The job with its spec, as the service pinned it."""
        return self._connection.get(self._path(), JobDetail)

    def overview(self) -> Overview:
        """What the job found so far and what it took, at a glance."""
        return self._connection.get(self._path("overview"), Overview)

    def wait(self, *, progress: bool = True, timeout: float | None = None) -> Self:
        """Wait until the job is done, through restarts of the service.

        Args:
            progress: Draw a progress bar on standard error, where that is a terminal.
            timeout: Seconds to wait; None waits for ever.

        Returns:
            This handle, so that results can be asked of it at once.

        Raises:
            JobFailed: the job failed; the message says why.
            JobCancelled: the job was cancelled.
            WaitTimeout: the job is still going.
            Unreachable: the service stayed away.
        """
        patience = Patience(Deadline(timeout))
        if progress:
            from holonomy.progress import show_until_done

            self._job = show_until_done(self._connection, self._job, patience)
        else:
            for job in follow(self._connection, self.id, patience):
                self._job = job
        raise_unless_done(self._job)
        return self

    def cancel(self) -> Job:
        """Ask for the job to stop; what it has stored and logged stays."""
        return self._connection.post(self._path("cancel"), Job, repeatable=True)

    def retry(self) -> Job:
        """Run what failed or was cancelled again; finished blocks are kept."""
        return self._connection.post(self._path("retry"), Job)

    def logs(self, *, follow: bool = False) -> Iterator[Event]:
        """Lines of the job's log, oldest first; with `follow`, until the job has ended."""
        after = 0
        while True:
            # Asked before the lines, so that the last of them are not missed when the job ends in between.
            ended = self.status().state in TERMINAL_JOBS
            page = self._connection.get(self._path("events"), EventPage, {"after": after, "limit": 500})
            yield from page.items
            after = page.items[-1].id if page.items else after
            if page.items:
                continue
            if ended or not follow:
                return
            time.sleep(1.0)

    def blocks(self, state: str | None = None) -> Iterator[Block]:
        """The job's blocks in order, all or those in a state."""
        cursor: str | None = None
        while True:
            page = self._connection.get(self._path("blocks"), BlockPage, {"state": state, "cursor": cursor})
            yield from page.items
            cursor = page.next
            if cursor is None:
                return

    def manifest(self) -> Manifest:
        """Every object the job stored, with digest, size, dtype, shape and axes."""
        return self._connection.get(self._path("objects"), Manifest)

    def object(self, name: str) -> Arrays:
        """The arrays of one object of the manifest."""
        return read_arrays(self._connection.get_bytes(self._path("objects", name)), f"object {name}")

    def download(self, name: str, path: str | Path) -> Path:
        """Write one object of the manifest to a file; the file appears only when its digest was right.

        Raises:
            NotFound: the job has no such object.
            ServiceFault: other bytes came than the manifest promises.
        """
        ref = next((ref for ref in self.manifest().objects if ref.name == name), None)
        if ref is None:
            raise NotFound(f"job {self.id} has no object {name!r}; its manifest lists what it has")
        target, digest = Path(path), hashlib.sha256()
        part = target.with_name(f"{target.name}.part")
        try:
            with part.open("wb") as file, self._connection.stream(self._path("objects", name)) as reply:
                for chunk in reply.chunks():
                    digest.update(chunk)
                    file.write(chunk)
            if digest.hexdigest() != ref.sha256:
                raise ServiceFault(f"object {name} arrived damaged: expected sha256 {ref.sha256}; ask again")
            return part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def table(
        self,
        name: str,
        *,
        columns: str | Sequence[str] | None = None,
        where: str | Sequence[str] = (),
        order_by: str | Sequence[str] | None = None,
        limit: int | None = None,
    ) -> "polars.DataFrame":
        """Rows of a result table; conditions, order and columns are applied on the server.

        Args:
            name: Name of the table, one of `schemas.results.RESULT_TABLES`.
            columns: Columns wanted; all by default. A table's short names (`norm` for `bracket_norm`) are answered
                under the full ones; so in conditions and orders.
            where: Conditions that all hold, such as `"step == 100"` or `["step >= 100", "i == 3"]`.
            order_by: Columns to order by; a leading `-` means descending.
            limit: At most so many rows.

        Raises:
            Refused: no such table or column, or a condition that cannot be read.
        """
        query = table_query(name, columns=columns, where=where, order_by=order_by, limit=limit)
        return read_arrow(self._connection.get_bytes(self._path("tables", name), query, accept=ARROW), name)

    def _arrays(self, name: str, query: dict[str, str | int | bool | None]) -> Arrays:
        return read_arrays(self._connection.get_bytes(self._path("arrays", name), query), name)

    def _path(self, *parts: str) -> str:
        return "/".join(("/v1/jobs", str(self.id), *parts))


def raise_unless_done(job: Job) -> None:
    """Raises JobFailed or JobCancelled for a job that ended without a result."""
    if job.state is JobState.FAILED:
        raise JobFailed(f"job {job.id} failed: {job.why or 'its log says why'}", job)
    if job.state is JobState.CANCELLED:
        raise JobCancelled(f"job {job.id} was cancelled" + (f": {job.why}" if job.why else ""), job)
