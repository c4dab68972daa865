"""Handles by kind of job: what a training run, a bracket job and a diagnostic have to show."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from holonomy.arrays import Array, Arrays
from holonomy.connection import Connection
from holonomy.errors import NotFound
from holonomy.handle import JobHandle
from schemas.api import Job

if TYPE_CHECKING:
    import polars


class TrainingJob(JobHandle):
    """A training run."""

    def checkpoints(self) -> "polars.DataFrame":
        """One row per checkpoint: losses, accuracies, norm of the parameters."""
        return self.table("checkpoints", order_by="step")

    def checkpoint(self, step: int) -> Arrays:
        """Arrays of a checkpoint: `parameters/<name>`, `buffers/<name>`, `optimizer/<…>`, `rng/<…>`."""
        return self._arrays("checkpoint", {"step": step})

    def losses(self) -> "polars.DataFrame":
        """One row per optimizer step: loss of the batch before the step, norm of its gradient, learning rate."""
        return self.table("training_steps", order_by="step")


class BracketsJob(JobHandle):
    """Pairwise Lie brackets [v_i, v_j] = H_j g_i − H_i g_j, without any power of the learning rate."""

    def pairs(
        self,
        step: int | None = None,
        *,
        columns: str | Sequence[str] | None = None,
        where: str | Sequence[str] = (),
        order_by: str | Sequence[str] | None = None,
        limit: int | None = None,
    ) -> "polars.DataFrame":
        """One row per unordered pair i < j and checkpoint; see `table` for the arguments.

        Args:
            step: Only this checkpoint.
            columns: Columns wanted; all by default.
            where: Conditions that all hold.
            order_by: Columns to order by, `-` for descending; by default the largest brackets come first.
            limit: At most so many rows.
        """
        conditions = [where] if isinstance(where, str) else list(where)
        if step is not None:
            conditions.append(f"step == {step}")
        order = ("step", "-bracket_norm") if order_by is None else order_by
        return self.table("pairs", columns=columns, where=conditions, order_by=order, limit=limit)

    def tensors(self) -> "polars.DataFrame":
        """One row per parameter tensor and checkpoint: RMS of gradients and brackets."""
        return self.table("tensors", order_by=("step", "position"))

    def fits(self) -> "polars.DataFrame":
        """One row per checkpoint: proportionality of bracket RMS to gradient RMS over tensors."""
        return self.table("fits", order_by="step")

    def outputs(self) -> "polars.DataFrame":
        """One row per output and checkpoint: how far swaps move it."""
        return self.table("outputs", order_by=("step", "output"))

    def logits(self, i: int, j: int, step: int) -> Array:
        """Logit perturbations J_t [v_i, v_j], shape (T test examples, K outputs); to be scaled by lr² for a swap.

        Raises:
            NotStored: the job has no test examples.
            NotFound: no such pair or step.
        """
        return self._arrays("logits", {"step": step, "i": i, "j": j})["logits"]

    def bracket(self, i: int, j: int, step: int) -> Arrays:
        """The bracket [v_i, v_j] by parameter name; exchanging i and j changes its sign.

        Raises:
            NotStored: the job did not keep this pair (see `keep` of its spec).
            NotFound: no such pair or step.
        """
        return self._arrays("bracket", {"step": step, "i": i, "j": j})

    def checkpoints(self) -> "polars.DataFrame":
        """The checkpoints of the training run."""
        return self.training.checkpoints()

    @property
    def training(self) -> TrainingJob:
        """The run whose checkpoints are used.

        Raises:
            NotFound: the job has no parent.
        """
        parents = self.status().parents
        if not parents:
            raise NotFound(f"job {self.id} names no training run")
        return TrainingJob(self._connection, self._connection.get(f"/v1/jobs/{parents[0]}", Job))


class DiagnosticJob(JobHandle):
    """A job that computes nothing; it shows that the path works."""


HANDLES: dict[str, type[JobHandle]] = {
    "training": TrainingJob,
    "brackets": BracketsJob,
    "diagnostic": DiagnosticJob,
}


def handle_of(connection: Connection, job: Job, *, created: bool = False) -> JobHandle:
    """The handle for a job's kind; a kind that this version does not know gets the general one."""
    return HANDLES.get(job.kind, JobHandle)(connection, job, created=created)
