"""Metrics: what one job is reduced to before it is held against others.

A metric names a column of a result table, the rows of it that count, and how they become one number for each step
and arm:

    defects.median                              the median commutator defect of every checkpoint
    median(pairs.bracket_norm)@300              the median over pairs, at step 300
    checkpoints.test_loss@last                  the last row
    mean(projections.value[target == test_loss])  only rows for which the conditions, separated by commas, hold
"""

import re
from dataclasses import dataclass
from typing import Literal, Self, get_args

from holonomy.errors import Refused
from schemas.bracket_results import BRACKET_TABLES
from schemas.nearest import did_you_mean, unknown
from schemas.replica_results import REPLICA_TABLES
from schemas.results import RESULT_TABLES
from schemas.training_results import TRAINING_TABLES

Reduction = Literal["mean", "rms", "median", "min", "max"]
REDUCTIONS: dict[str, Reduction] = {name: name for name in get_args(Reduction)}

WEIGHT = "numel"
"""Column by which means over parameter tensors are weighted, so that they are means over elements."""
LAST = "last"

_TEXT = re.compile(
    r"^\s*(?:(?P<reduction>\w+)\s*\(\s*)?(?P<table>\w+)\.(?P<column>\w+)\s*(?:\[(?P<where>[^\]]*)\]\s*)?"
    r"(?P<closed>\)\s*)?(?:@\s*(?P<step>\w+)\s*)?$"
)


@dataclass(frozen=True)
class Metric:
    """A number per job, step and arm.

    Attributes:
        table: Name of the result table.
        column: Its column or an alias of it, of numbers or of truth values, whose mean is a share.
        reduction: Over the rows of a job, step and arm: `mean`, `rms` = √ mean of squares, `median`, `min`, `max`.
            Means over tables of parameter tensors are weighted by the number of elements. Twins of replicas do not
            count, nor do values that are not finite, whose number is reported.
        step: Only this step; `last` for the last one of each job; all by default.
        where: Conditions that rows fulfil, such as `"target == test_loss"`.

    Raises:
        Refused: no such table, column, reduction or step, or the column holds no numbers.
    """

    table: str
    column: str
    reduction: Reduction = "mean"
    step: int | Literal["last"] | None = None
    where: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = RESULT_TABLES.get(self.table)
        if known is None:
            raise Refused(unknown("table", self.table, RESULT_TABLES))
        numbers = [column.name for column in known.columns if column.type != "text" and not column.key]
        column = known.column(self.column)
        if column is None or column.name not in numbers:
            raise Refused(unknown(f"number in table {self.table}", self.column, numbers))
        # By its full name, so that a metric is the same whatever it was called.
        object.__setattr__(self, "column", column.name)
        if self.reduction not in REDUCTIONS:
            raise Refused(unknown("reduction", self.reduction, REDUCTIONS))
        if self.step is not None and known.column("step") is None:
            raise Refused(f"table {self.table} has no steps: leave out @{self.step}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The metric in a text such as `median(pairs.defect)@last`.

        Raises:
            Refused: it cannot be read.
        """
        match = _TEXT.match(text)
        if match is None or (match["reduction"] is None) != (match["closed"] is None):
            raise Refused(
                "a metric reads TABLE.COLUMN or REDUCTION(TABLE.COLUMN[CONDITION])@STEP, for example defects.median "
                f"or median(pairs.defect)@last; came {text!r}"
            )
        reduction = match["reduction"] or "mean"
        if reduction not in REDUCTIONS:
            raise Refused(unknown("reduction", reduction, REDUCTIONS))
        conditions = tuple(part.strip() for part in (match["where"] or "").split(",") if part.strip())
        return cls(match["table"], match["column"], REDUCTIONS[reduction], _step(match["step"]), conditions)

    @property
    def weighted(self) -> bool:
        """Whether its rows are parameter tensors."""
        return self.reduction in ("mean", "rms") and RESULT_TABLES[self.table].column(WEIGHT) is not None

    def __str__(self) -> str:
        chosen = f"{self.table}.{self.column}" + (f"[{', '.join(self.where)}]" if self.where else "")
        reduced = chosen if self.reduction == "mean" else f"{self.reduction}({chosen})"
        return reduced if self.step is None else f"{reduced}@{self.step}"


def _step(text: str | None) -> int | Literal["last"] | None:
    if text is None:
        return None
    if text == "last":
        return "last"
    if not text.isdecimal():
        raise Refused(f"after @ stands the number of a step, or {LAST}; came {text!r}{did_you_mean(text, [LAST])}")
    return int(text)


MEDIAN_DEFECT = Metric("defects", "median")
BRACKET_RMS = Metric("tensors", "bracket_rms", "rms")
"""√ mean over pairs and parameters of [v_i, v_j]²."""
END_DISTANCE = Metric("replicas", "distance")
END_LOSS = Metric("checkpoints", "test_loss", step="last")

DEFAULTS: dict[str, tuple[Metric, ...]] = {
    "brackets": (MEDIAN_DEFECT, BRACKET_RMS),
    "replicas": (END_DISTANCE,),
    "training": (END_LOSS,),
}
"""What is compared of each kind of job when nothing is asked for."""

TABLES = {
    "brackets": frozenset(table.name for table in (*BRACKET_TABLES, *TRAINING_TABLES)),
    "replicas": frozenset(table.name for table in REPLICA_TABLES),
    "training": frozenset(table.name for table in TRAINING_TABLES),
}
"""Tables of each kind of job; a bracket job has those of its training run too."""


def metrics_for(kind: str, asked: "str | Metric | tuple[str | Metric, ...] | None") -> tuple[Metric, ...]:
    """The metrics asked for, or the usual ones of a kind of job.

    Raises:
        Refused: a metric cannot be read, is asked for twice, or is of another kind of job; the kind has no results.
    """
    if kind not in TABLES:
        raise Refused(f"a {kind} job has no results to compare")
    if asked is None or asked == ():
        return DEFAULTS[kind]
    several = asked if isinstance(asked, tuple) else (asked,)
    found = tuple(Metric.parse(one) if isinstance(one, str) else one for one in several)
    for place, metric in enumerate(found):
        if metric in found[:place]:
            raise Refused(f"metric {metric} is asked for twice")
        if metric.table not in TABLES[kind]:
            raise Refused(f"{kind} jobs have no table {metric.table}; they have: {', '.join(sorted(TABLES[kind]))}")
    return found
