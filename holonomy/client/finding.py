"""What a client finds again: jobs and sweeps, by number and by what they are called."""

import itertools
from collections.abc import Iterator

from holonomy.connection import Connected
from holonomy.errors import Refused
from holonomy.handle import JobHandle
from holonomy.jobs import handle_of
from holonomy.pages import pages
from holonomy.sweeps import SweepHandle
from schemas.api import Job, JobPage
from schemas.states import JobState, SweepState
from schemas.sweep_bodies import SweepDetail, SweepPage


class Finding(Connected):
    """Finds jobs and sweeps."""

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
        query = {"state": state, "name": name, "tag": tag, "project": project}
        for page in pages(self._connection, "/v1/sweeps", SweepPage, query, limit):
            yield from (SweepHandle(self._connection, sweep) for sweep in page.items)

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
