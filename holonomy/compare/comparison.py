"""Two sides held against each other, metric by metric and group by group: did anything change, and by how much?"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holonomy.compare.metrics import Metric, metrics_for
from holonomy.compare.rows import Held, Row, judged, record, rows_of
from holonomy.compare.sides import Group, Side, changed_fields, group_text, groups, kind_of, varied_fields
from holonomy.compare.values import values_of
from holonomy.errors import Refused
from holonomy.leaves import Leaf

if TYPE_CHECKING:
    import polars

Asked = str | Metric | tuple[str | Metric, ...]

LEAST_CONFIDENCE, MOST_CONFIDENCE = 0.5, 0.999999
"""Beyond, the tails of a large family are smaller than the rounding of a float."""


@dataclass(frozen=True)
class Comparison:
    """What changed from side A to side B.

    Attributes:
        a: Name of side A, the earlier one.
        b: Name of side B.
        rows: One for each group, metric, step and arm.
        confidence: Probability that all intervals hold at once.
        threshold: Relative change that does not count; 0 without one.
        recipe: Fields that are equal within each side and differ between them: values of A and of B.
        left_out: Groups that could not be compared at all, and why.
        undefined: Comparisons left out because no job of either side has a value.
        ended: Jobs of A and of B that failed or were cancelled.
        remarks: What else is to be known, in sentences.
    """

    a: str
    b: str
    rows: tuple[Row, ...]
    confidence: float
    threshold: float
    recipe: Mapping[str, tuple[Leaf, Leaf]]
    left_out: tuple[tuple[Group, str], ...]
    undefined: int
    ended: tuple[int, int]
    remarks: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any comparison found a change, at the confidence of the whole family."""
        return any(row.verdict == "changed" for row in self.rows)

    @property
    def incomplete(self) -> bool:
        """Whether something could not be compared, so that no change found does not mean no change."""
        return bool(self.left_out) or any(row.verdict == "incomplete" for row in self.rows)

    @property
    def report(self) -> str:
        """The findings in sentences, one a line."""
        from holonomy.compare.words import sentences

        return "\n".join(sentences(self))

    def __str__(self) -> str:
        return self.report

    def frame(self) -> "polars.DataFrame":
        """One row per comparison: varied fields, metric, step, arm, and the fields of `Effect`.

        `estimate`, `low` and `high` are of B / A where `scale` is `ratio`, else of B − A.
        """
        import polars

        known = {"step": polars.Int64, "arm": polars.String, "scale": polars.String}
        rows = [record(row) for row in self.rows]
        return polars.DataFrame(rows, schema_overrides=known, infer_schema_length=None)


def compare(
    a: Side, b: Side, metric: Asked | None = None, threshold: float | str | None = None, confidence: float = 0.95
) -> Comparison:
    """Hold two sides against each other.

    Jobs are grouped by everything that is varied within a side except seeds; the values of a group over seeds are a
    sample, and equal groups of both sides are compared (`statistics.effect`), at every step and arm of each metric.

    Args:
        a: The earlier side.
        b: The later one.
        metric: One or several; by default what `metrics.DEFAULTS` has for the kind of job.
        threshold: Smaller relative changes do not count: 0.05 or `"5%"`.
        confidence: Probability that all intervals hold at once.

    Raises:
        Refused: jobs of several kinds or of none with results, a metric that there is not, fewer than two seeds, no
            group that both sides have, no value at all, a threshold or confidence out of range.
    """
    least = read_threshold(threshold)
    if not LEAST_CONFIDENCE <= confidence <= MOST_CONFIDENCE:
        raise Refused(
            f"confidence is a probability from {LEAST_CONFIDENCE} to {MOST_CONFIDENCE}, such as 0.95; "
            f"came {confidence}"
        )
    metrics = metrics_for(kind_of(a, b), metric)
    varied = varied_fields(a, b)
    of_a, of_b = groups(a, varied), groups(b, varied)
    common = [group for group in of_a if group in of_b]
    if not common:
        raise Refused(
            f"nothing of {a.name} has its counterpart in {b.name}: the one has {group_text(next(iter(of_a)))}, the "
            f"other {group_text(next(iter(of_b)))}; compare sweeps over the same values"
        )
    have = {one: (values_of(a, one), values_of(b, one)) for one in metrics}
    found = [
        row
        for group in common
        for one, (in_a, in_b) in have.items()
        for row in rows_of(group, one, Held(of_a[group], in_a), Held(of_b[group], in_b))
    ]
    rows = [row for row in found if row.a.by_seed or row.b.by_seed]
    if not rows:
        raise Refused(f"no job has a value of {' or '.join(map(str, metrics))}: name another metric")
    seen = {row.group for row in found}
    left_out = [(group, f"only {a.name} has it") for group in of_a if group not in of_b]
    left_out += [(group, f"only {b.name} has it") for group in of_b if group not in of_a]
    left_out += [(group, "no job of either side has a value") for group in common if group not in seen]
    return Comparison(
        a=a.name,
        b=b.name,
        rows=tuple(judged(rows, confidence, least)),
        confidence=confidence,
        threshold=least,
        recipe=changed_fields(a, b, varied),
        left_out=tuple(left_out),
        undefined=len(found) - len(rows),
        ended=(_ended(a), _ended(b)),
        remarks=tuple(_shared(a, b)),
    )


def read_threshold(threshold: float | str | None) -> float:
    """A relative change, given as 0.05 or `5%`; 0 for None.

    Raises:
        Refused: it is no number from 0 to below 1.
    """
    if threshold is None:
        return 0.0
    text = str(threshold).strip()
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1:
        raise Refused(f"a threshold is a relative change from 0 to below 1, such as 5% or 0.05; came {threshold!r}")
    return value


def _ended(one: Side) -> int:
    return sum(not member.done for member in one.members)


def _shared(a: Side, b: Side) -> Iterator[str]:
    """A remark on jobs that both sides have, which are equal because they were computed once."""
    shared = {member.handle.id for member in a.members} & {member.handle.id for member in b.members}
    if shared:
        count = "1 job is" if len(shared) == 1 else f"{len(shared)} jobs are"
        yield f"{count} the same on both sides, found and not computed again: `fresh` computes anew"
