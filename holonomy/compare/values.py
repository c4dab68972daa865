"""What each job has for a metric: one number for every step and arm, reduced from rows of its tables."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from holonomy.compare.metrics import LAST, WEIGHT, Metric
from holonomy.compare.sides import Member
from holonomy.errors import ServiceFault
from holonomy.handle import JobHandle
from holonomy.jobs import BracketsJob
from holonomy.replicas import arms_of
from holonomy.tables import conditions
from schemas.replicas import Replicas
from schemas.results import RESULT_TABLES
from schemas.training_results import TRAINING_TABLES

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Place:
    """What a number of a job is about, beside its metric.

    Attributes:
        step: Optimizer step, or `last`; None in tables without steps.
        arm: Name of the arm; None in tables without arms.
    """

    step: int | Literal["last"] | None = None
    arm: str | None = None


@dataclass(frozen=True)
class Value:
    """A number of a job.

    Attributes:
        number: NaN where no row has a finite value.
        rows: Rows that it is reduced from.
        lost: Rows among them without a finite value, such as replicas that diverged.
    """

    number: float
    rows: int
    lost: int

    @property
    def missing(self) -> bool:
        """Whether there is no number."""
        return math.isnan(self.number)


def values_of(member: Member, metric: Metric) -> dict[Place, Value]:
    """The values of a metric in one job, by step and arm; none where it is not done.

    Raises:
        Refused: a condition of the metric cannot be read.
    """
    if not member.done:
        return {}
    return reduced(_rows(member, metric), metric)


def reduced(rows: "polars.DataFrame", metric: Metric) -> dict[Place, Value]:
    """Rows of one job, with columns `step` and `arm` where they have those, reduced as the metric says."""
    import polars

    if metric.step == LAST:
        rows = rows.filter(polars.col("step") == polars.col("step").max()).drop("step")
    keys = [name for name in ("step", "arm") if name in rows.columns]
    x = polars.col(metric.column).cast(polars.Float64)
    finite = x.is_finite().fill_null(value=False)
    kept = x.filter(finite)
    if metric.weighted:
        weights = polars.col(WEIGHT).cast(polars.Float64).filter(finite)
        mean, mean_square = (weights * kept).sum() / weights.sum(), (weights * kept**2).sum() / weights.sum()
    else:
        mean, mean_square = kept.mean(), (kept**2).mean()
    number = {
        "mean": mean,
        "rms": mean_square.sqrt(),
        "median": kept.median(),
        "min": kept.min(),
        "max": kept.max(),
    }[metric.reduction]
    found = [number.alias("number"), polars.len().alias("rows"), (~finite).sum().alias("lost")]
    table = rows.group_by(keys, maintain_order=True).agg(found) if keys else rows.select(found)
    last: Literal["last"] | None = "last" if metric.step == LAST else None
    return {
        Place(row.get("step", last), row.get("arm")): Value(
            math.nan if row["number"] is None else row["number"], row["rows"], row["lost"]
        )
        for row in table.iter_rows(named=True)
        if row["rows"] > 0
    }


def _rows(member: Member, metric: Metric) -> "polars.DataFrame":
    """The rows that count, with the columns that are needed."""
    import polars

    table = RESULT_TABLES[metric.table]
    wanted = [name for name in ("step", "arm", "replica") if table.column(name) is not None]
    where = conditions(metric.where, step=metric.step if metric.step != LAST else None)
    if metric.of_replicas:
        where.append("replica >= 0")
    columns = [*wanted, metric.column, *([WEIGHT] if metric.weighted else [])]
    rows = _holder(member, metric).table(metric.table, columns=columns, where=where, order_by=wanted or None)
    if metric.of_replicas and "arm" not in rows.columns:
        if not isinstance(member.spec, Replicas):
            raise ServiceFault(f"job {member.handle.id} has replicas, but is a {member.handle.kind} job")
        named = dict(enumerate(arms_of(member.spec)))
        arm = polars.col("replica").replace_strict(named, return_dtype=polars.String).alias("arm")
        rows = rows.with_columns(arm)
    return rows


def _holder(member: Member, metric: Metric) -> JobHandle:
    """The job that has the table: of losses, the training run that brackets were taken along."""
    handle = member.handle
    if isinstance(handle, BracketsJob) and metric.table in {table.name for table in TRAINING_TABLES}:
        return handle.training
    return handle
