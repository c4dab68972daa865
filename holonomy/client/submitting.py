"""What a client submits: jobs and sweeps, and what submitting them would do."""

import uuid
from collections.abc import Sequence
from typing import Unpack, overload

from holonomy.checked import checked
from holonomy.connection import Connected
from holonomy.errors import Refused
from holonomy.handle import JobHandle
from holonomy.jobs import BracketsJob, DiagnosticJob, TrainingJob, handle_of
from holonomy.labels import JobLabels, SweepLabels
from holonomy.replicas import ReplicasJob
from holonomy.sweeps import SweepHandle, preview, submit_sweep
from schemas.api import Submitted
from schemas.brackets import Brackets
from schemas.diagnostic import Diagnostic
from schemas.jobs import DEFAULT_PROJECT, AnyJob, Submission
from schemas.replicas import Replicas
from schemas.sweep_bodies import SweepPreview
from schemas.sweeps import Sweep
from schemas.training import Training


class Submitting(Connected):
    """Submits jobs and sweeps."""

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
        submission = checked(Submission, {"spec": spec, **labels})
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
