"""The handle of a replica job: how far perturbed replicas drift from their baseline."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from holonomy.arrays import Arrays
from holonomy.errors import Refused, ServiceFault
from holonomy.handle import JobHandle
from holonomy.tables import conditions
from schemas.nearest import did_you_mean
from schemas.replica_results import REPLICA_METRICS
from schemas.replicas import TWIN, Replicas

if TYPE_CHECKING:
    import polars

QUANTITIES = ("weights", "logits")
"""Of what there are autocorrelations."""

ALIGNED_DISTANCE = "aligned_distance"
"""A metric of statistics that is not measured at looks."""


class ReplicasJob(JobHandle):
    """A baseline, perturbed replicas of it, and their distances.

    Replicas are numbered through the whole job, arm after arm; in tables the twin of group g has number −1 − g.
    """

    @cached_property
    def spec(self) -> Replicas:
        """The spec, as the service pinned it."""
        spec = self.detail().spec
        if not isinstance(spec, Replicas):
            raise ServiceFault(f"job {self.id} came as {type(spec).__name__}, not as a replica job")
        return spec

    def replicas(self, arm: str | None = None) -> "polars.DataFrame":
        """One row per replica and twin: arm, ε, distance at its start and at the end, whether its floor held.

        Raises:
            Refused: no such arm.
        """
        self._check_arm(arm)
        return self.table("replicas", where=conditions(arm=arm), order_by="replica")

    def metrics(
        self,
        step: int | None = None,
        arm: str | None = None,
        *,
        columns: str | Sequence[str] | None = None,
        where: str | Sequence[str] = (),
        order_by: str | Sequence[str] = ("step", "replica"),
        limit: int | None = None,
    ) -> "polars.DataFrame":
        """One row per look and replica, with the name of its arm: distances to the baseline at the same step.

        Args:
            step: Only this look.
            arm: Only this arm, or `twin`; by default all arms, and the twins.
            columns: Columns wanted; all by default.
            where: Conditions that all hold, such as `"distance > 1"`.
            order_by: Columns to order by, `-` for descending.
            limit: At most so many rows.

        Raises:
            Refused: no such arm or column.
        """
        chosen = self._of(arm, conditions(where, step=step))
        return self._armed(
            self.table("replica_metrics", columns=columns, where=chosen, order_by=order_by, limit=limit)
        )

    def curves(self, metric: str = "distance", arm: str | None = None, *, wide: bool = False) -> "polars.DataFrame":
        """A metric of every replica along the run.

        Args:
            metric: Column of `replica_metrics`.
            arm: Only this arm, or `twin`; by default all arms, without the twins.
            wide: One column for each replica, named by its number, in place of columns arm, replica and value.

        Raises:
            Refused: no such metric or arm.
        """
        check_metric(metric)
        where = "replica >= 0" if arm is None else ()
        long = self.metrics(arm=arm, columns=("step", "replica", metric), where=where)
        if not wide:
            return long.rename({metric: "value"}).select("step", "arm", "replica", "value")
        return long.pivot("replica", index="step", values=metric).sort("step")

    def statistics(
        self, metric: str | None = None, arm: str | None = None, step: int | None = None
    ) -> "polars.DataFrame":
        """One row per look, arm and metric: mean, standard deviation and bootstrap interval over the replicas.

        Raises:
            Refused: no such metric or arm.
        """
        if metric is not None and metric != ALIGNED_DISTANCE:
            check_metric(metric)
        self._check_arm(arm, twin=False)
        where = conditions(metric=metric, arm=arm, step=step)
        return self.table("replica_statistics", where=where, order_by=("metric", "arm", "step"))

    def tensors(
        self, step: int | None = None, arm: str | None = None, tensor: str | None = None
    ) -> "polars.DataFrame":
        """One row per look, replica and parameter tensor, with the name of its arm."""
        chosen = self._of(arm, conditions(step=step, tensor=tensor))
        return self._armed(self.table("replica_tensors", where=chosen, order_by=("step", "replica", "tensor")))

    def layers(self, step: int | None = None, arm: str | None = None) -> "polars.DataFrame":
        """One row per checkpoint, replica and hidden layer: linear CKA with the baseline's."""
        chosen = self._of(arm, conditions(step=step))
        return self._armed(self.table("replica_layers", where=chosen, order_by=("step", "replica", "layer")))

    def baseline(self) -> "polars.DataFrame":
        """One row per look: norm, losses and accuracies of the baseline."""
        return self.table("replica_baseline", order_by="step")

    def alignments(self, step: int | None = None, arm: str | None = None) -> "polars.DataFrame":
        """One row per checkpoint and replica: distance as it is, and up to permutations of hidden units."""
        chosen = self._of(arm, conditions(step=step))
        return self._armed(self.table("replica_alignments", where=chosen, order_by=("step", "replica")))

    def barriers(self, step: int | None = None, arm: str | None = None) -> "polars.DataFrame":
        """Barriers along the straight path from the baseline: before and after alignment, per split and quantity."""
        chosen = self._of(arm, conditions(step=step))
        order = ("step", "replica", "aligned", "split", "quantity")
        return self._armed(self.table("replica_barriers", where=chosen, order_by=order))

    def growth(self, arm: str | None = None) -> "polars.DataFrame":
        """One row per arm and growth law, the best law of an arm first.

        Raises:
            Refused: no such arm.
        """
        self._check_arm(arm, twin=False)
        return self.table("replica_growth", where=conditions(arm=arm), order_by=("arm", "aic"))

    def exponents(self) -> "polars.DataFrame":
        """One row per orthonormalisation and Lyapunov exponent of the baseline."""
        return self.table("replica_exponents", order_by=("step", "index"))

    def correlations(self, quantity: str | None = None, arm: str | None = None) -> "polars.DataFrame":
        """Autocorrelations between checkpoints of `weights` or `logits`, averaged over the replicas of an arm.

        Raises:
            Refused: no such quantity or arm.
        """
        if quantity not in (None, *QUANTITIES):
            raise Refused(f"autocorrelations are of {' and '.join(QUANTITIES)}; came {quantity!r}")
        self._check_arm(arm, twin=False)
        where = conditions(quantity=quantity, arm=arm)
        return self.table("replica_correlations", where=where, order_by=("quantity", "arm", "start_step", "step"))

    def stability(self) -> "polars.DataFrame":
        """One row per arm whose batches leave the baseline's: its barrier, and the stability time over all arms."""
        return self.table("replica_stability", order_by="after")

    def state(self, step: int, replica: int | None = None) -> Arrays:
        """The state of one network at a checkpoint: `parameters/<name>`, `buffers/<name>`, `slots/<parameter>/<key>`.

        Args:
            step: A checkpoint of the training spec.
            replica: Its number, −1 − g for the twin of group g; by default the baseline.

        Raises:
            NotStored: this step is not saved.
            NotFound: no such replica.
        """
        return self._arrays("member", {"step": step, "replica": replica})

    def _of(self, arm: str | None, chosen: list[str]) -> list[str]:
        """Conditions, with those on the numbers of an arm's replicas."""
        if arm is None:
            return chosen
        if arm == TWIN:
            return [*chosen, "replica < 0"]
        self._check_arm(arm)
        names = self.spec.arm_names
        first = sum(one.replicas for one in self.spec.arms[: names.index(arm)])
        return [*chosen, f"replica >= {first}", f"replica < {first + self.spec.arms[names.index(arm)].replicas}"]

    def _check_arm(self, arm: str | None, *, twin: bool = True) -> None:
        names = self.spec.arm_names
        if arm is None or arm in names or (twin and arm == TWIN):
            return
        also = f", and {TWIN}" if twin else ""
        raise Refused(f"job {self.id} has no arm {arm!r}{did_you_mean(arm, names)}; it has: {', '.join(names)}{also}")

    def _armed(self, rows: "polars.DataFrame") -> "polars.DataFrame":
        """Rows with the names of arms after the numbers of replicas, where those are among the columns."""
        import polars

        if "replica" not in rows.columns:
            return rows
        named = dict(enumerate(arms_of(self.spec)))
        names = polars.col("replica").replace_strict(named, default=TWIN, return_dtype=polars.String).alias("arm")
        return rows.insert_column(rows.columns.index("replica") + 1, rows.select(names).to_series())


def arms_of(spec: Replicas) -> list[str]:
    """The name of the arm of each replica, by its number within the job."""
    return [name for name, arm in zip(spec.arm_names, spec.arms, strict=True) for _ in range(arm.replicas)]


def check_metric(metric: str) -> None:
    """Refuse what is no metric.

    Raises:
        Refused: no float column of `replica_metrics` bears the name.
    """
    names = [column.name for column in REPLICA_METRICS.columns if column.type == "float"]
    if metric not in names:
        raise Refused(f"there is no metric {metric!r}{did_you_mean(metric, names)}; there are: {', '.join(names)}")
