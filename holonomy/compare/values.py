"""What each job has for a metric: one number for every step and arm, reduced from rows of its tables."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from holonomy.compare.metrics import LAST, WEIGHT, Metric
from holonomy.compare.sides import Member, Side
from holonomy.replicas import arms_of
from holonomy.tables import conditions
from schemas.jobs import AnyJob
from schemas.replicas import Replicas
from schemas.results import RESULT_TABLES
from schemas.training_results import TRAINING_TABLES

if TYPE_CHECKING:
    import polars

OF_TRAINING = frozenset(table.name for table in TRAINING_TABLES)
TOGETHER = 500
"""Jobs whose rows are asked for at once: their numbers have to fit into an address."""


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


def values_of(one: Side, metric: Metric) -> dict[int, dict[Place, Value]]:
    """The values of a metric in the jobs of a side that are done, by number of the job, then by step and arm.

    Raises:
        Refused: a condition of the metric cannot be read.
    """
    holders = {member.handle.id: _holder(member, metric) for member in one.members if member.done}
    rows = _rows(one, metric, list(dict.fromkeys(holders.values())))
    specs = {member.handle.id: member.spec for member in one.members}
    return {
        job: reduced(_armed(rows[holder], specs[job]), metric) for job, holder in holders.items() if holder in rows
    }


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


def _rows(one: Side, metric: Metric, jobs: Sequence[int]) -> "dict[int, polars.DataFrame]":
    """The rows that count, with the columns that are needed, by number of the job."""
    table = RESULT_TABLES[metric.table]
    keys = [name for name in ("step", "arm", "replica") if table.column(name) is not None]
    where = conditions(metric.where, step=metric.step if metric.step != LAST else None)
    if "replica" in keys:
        where.append("replica >= 0")
    columns = [*keys, metric.column, *([WEIGHT] if metric.weighted else [])]
    found = dict[int, "polars.DataFrame"]()
    for start in range(0, len(jobs), TOGETHER):
        asked = jobs[start : start + TOGETHER]
        rows = one.tables.table(metric.table, jobs=asked, columns=columns, where=where)
        for (job,), own in rows.partition_by("job_id", as_dict=True).items():
            found[job] = own.sort(keys)
    return found


def _armed(rows: "polars.DataFrame", spec: AnyJob) -> "polars.DataFrame":
    """Rows with the names of arms, where they only have the numbers of replicas."""
    import polars

    if "arm" in rows.columns or "replica" not in rows.columns or not isinstance(spec, Replicas):
        return rows
    named = dict(enumerate(arms_of(spec)))
    arm = polars.col("replica").replace_strict(named, return_dtype=polars.String).alias("arm")
    return rows.with_columns(arm)


def _holder(member: Member, metric: Metric) -> int:
    """Number of the job that has the table: of losses, the training run that brackets were taken along."""
    parents = member.handle.seen.parents
    return parents[0] if parents and metric.table in OF_TRAINING else member.handle.id
