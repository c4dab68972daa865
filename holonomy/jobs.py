"""Handles by kind of job: what a training run, a bracket job and a diagnostic have to show."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from holonomy.arrays import Array, Arrays
from holonomy.connection import Connection
from holonomy.errors import NotFound
from holonomy.handle import JobHandle
from holonomy.replicas import ReplicasJob
from holonomy.tables import conditions
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
        order = ("step", "-bracket_norm") if order_by is None else order_by
        return self.table("pairs", columns=columns, where=conditions(where, step=step), order_by=order, limit=limit)

    def perturbations(
        self,
        step: int | None = None,
        *,
        columns: str | Sequence[str] | None = None,
        where: str | Sequence[str] = (),
        order_by: str | Sequence[str] | None = None,
        limit: int | None = None,
    ) -> "polars.DataFrame":
        """One row per pair whose logit perturbations were taken: their sizes and function-space norms.

        Arguments are those of `pairs`; by default the largest Euclidean norms come first.
        """
        order = ("step", "-norm_euclidean") if order_by is None else order_by
        return self.table(
            "perturbations", columns=columns, where=conditions(where, step=step), order_by=order, limit=limit
        )

    def projections(
        self,
        step: int | None = None,
        target: str | None = None,
        *,
        where: str | Sequence[str] = (),
        order_by: str | Sequence[str] | None = None,
        limit: int | None = None,
    ) -> "polars.DataFrame":
        """One row per pair and target: q · [v_i, v_j].

        Args:
            step: Only this checkpoint.
            target: Only this one, by its label: `test_loss`, `logit/example/output` or `saved/…`.
            where: Conditions that all hold.
            order_by: Columns to order by, `-` for descending; by default the largest values of a target come first.
            limit: At most so many rows.
        """
        chosen = conditions(where, step=step, target=target)
        order = ("step", "target", "-value") if order_by is None else order_by
        return self.table("projections", where=chosen, order_by=order, limit=limit)

    def minibatches(self) -> "polars.DataFrame":
        """One row per pair of minibatches and checkpoint."""
        return self.table("minibatches", order_by=("step", "b", "c"))

    def reorderings(self) -> "polars.DataFrame":
        """One row per reordering and checkpoint: its predicted and its exact effect."""
        return self.table("reorderings", order_by=("step", "reordering"))

    def order_accuracy(self) -> "polars.DataFrame":
        """One row per checkpoint: how often brackets predict which order leaves the smaller test loss."""
        return self.table("order_accuracy", order_by="step")

    def defects(self) -> "polars.DataFrame":
        """One row per checkpoint: commutator defects over all pairs, beside those of random directions."""
        return self.table("defects", order_by="step")

    def verifications(self) -> "polars.DataFrame":
        """One row per pair that was computed again in float64, with the errors of what is stored."""
        return self.table("verifications", order_by=("step", "i", "j"))

    def tensors(self) -> "polars.DataFrame":
        """One row per parameter tensor and checkpoint: RMS of gradients and brackets."""
        return self.table("tensors", order_by=("step", "position"))

    def fits(self) -> "polars.DataFrame":
        """One row per checkpoint and part of the bracket: proportionality of its RMS to gradient RMS over tensors."""
        return self.table("fits", order_by=("step", "part"))

    def outputs(self) -> "polars.DataFrame":
        """One row per output and checkpoint: how far swaps move it."""
        return self.table("outputs", order_by=("step", "output"))

    def logits(self, i: int, j: int, step: int) -> Array:
        """Logit perturbations J_t [v_i, v_j], shape (T test examples, K outputs); to be scaled by lr² for a swap.

        Raises:
            NotStored: the job has no test examples, or did not take those of this pair (see `logits` of its spec).
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
    "replicas": ReplicasJob,
    "diagnostic": DiagnosticJob,
}


def handle_of(connection: Connection, job: Job, *, created: bool = False) -> JobHandle:
    """The handle for a job's kind; a kind that this version does not know gets the general one."""
    return HANDLES.get(job.kind, JobHandle)(connection, job, created=created)
