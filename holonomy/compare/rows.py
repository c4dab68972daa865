"""The rows of a comparison: what both sides have for a metric, group, step and arm, and how far apart that is."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from holonomy.compare.metrics import Metric
from holonomy.compare.sides import Group, Member
from holonomy.compare.statistics import FEWEST, Effect, effect, holm
from holonomy.compare.values import Place, Value

Verdict = Literal["changed", "no change", "identical", "incomplete"]

NUMBERS = ("mean_a", "mean_b", "estimate", "low", "high", "noticed", "g", "g_low", "g_high", "p")
"""Fields of an effect that a record has."""


@dataclass(frozen=True)
class Held:
    """The jobs of a group on one side, and what jobs of that side have for a metric, by their numbers."""

    members: Sequence[Member]
    values: Mapping[int, Mapping[Place, Value]]


@dataclass(frozen=True)
class Sample:
    """What one side has for a metric, group and place.

    Attributes:
        by_seed: One number for each seed of training: the mean over the jobs that share it.
        jobs: Jobs of the group.
        lost: Of them, those without a value: failed, cancelled, diverged.
        lost_rows: Rows without a finite value that the others left out, such as diverged replicas.
    """

    by_seed: Mapping[int, float]
    jobs: int
    lost: int
    lost_rows: int


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        group: Values of the varied fields.
        metric: What is compared.
        place: Step and arm.
        a: The values of side A.
        b: Those of side B.
        effect: How far B lies from A; None with fewer than two values on a side.
        p_holm: Holm's adjusted p value within the family; None as `effect`.
    """

    group: Group
    metric: Metric
    place: Place
    a: Sample
    b: Sample
    effect: Effect | None = None
    p_holm: float | None = None

    @property
    def identical(self) -> bool:
        """Whether both sides have the same seeds, and equal values for each, bit by bit."""
        return self.effect is not None and self.a.lost == self.b.lost and self.a.by_seed == self.b.by_seed

    @property
    def verdict(self) -> Verdict:
        """What was found.

        `changed` where the whole simultaneous interval lies beyond the threshold. `incomplete` where it does not, but
        one side lost values that the other has, or rows where the other lost none, or too few are left: that is no
        finding of no change. Else `no change`, or `identical`.
        """
        if self.effect is not None and self.effect.changed:
            return "changed"
        one_diverged = (self.a.lost_rows == 0) != (self.b.lost_rows == 0)
        if self.effect is None or self.a.lost != self.b.lost or one_diverged:
            return "incomplete"
        return "identical" if self.identical else "no change"


def record(row: Row) -> dict[str, Any]:
    """A comparison as a flat mapping; null for what is not a finite number."""
    found = row.effect
    numbers: dict[str, Any] = dict.fromkeys(NUMBERS)
    if found is not None:
        numbers = {name: _finite(getattr(found, name)) for name in NUMBERS}
    return {
        **dict(row.group),
        "metric": str(row.metric),
        "step": row.place.step if isinstance(row.place.step, int) else None,
        "arm": row.place.arm,
        "scale": None if found is None else found.scale,
        "seeds_a": len(row.a.by_seed),
        "seeds_b": len(row.b.by_seed),
        **numbers,
        "p_holm": row.p_holm,
        "lost_a": row.a.lost,
        "lost_b": row.b.lost,
        "lost_rows_a": row.a.lost_rows,
        "lost_rows_b": row.b.lost_rows,
        "verdict": row.verdict,
    }


def rows_of(group: Group, metric: Metric, a: Held, b: Held) -> Iterator[Row]:
    """Comparisons of a group, not judged yet, for every step and arm that any job has."""
    places = dict.fromkeys(
        place for one in (a, b) for member in one.members for place in one.values.get(member.handle.id, {})
    )
    for place in places:
        yield Row(group, metric, place, _sample(a, place), _sample(b, place))


def _sample(held: Held, place: Place) -> Sample:
    numbers = dict[int, list[float]]()
    lost_rows = 0
    for member in held.members:
        value = held.values.get(member.handle.id, {}).get(place)
        if value is not None and not value.missing:
            numbers.setdefault(member.seed, []).append(value.number)
            lost_rows += value.lost
    kept = sum(map(len, numbers.values()))
    by_seed = {seed: math.fsum(several) / len(several) for seed, several in sorted(numbers.items())}
    return Sample(by_seed, len(held.members), len(held.members) - kept, lost_rows)


def judged(rows: Sequence[Row], confidence: float, threshold: float) -> Iterator[Row]:
    """Rows with their effects, as one family."""
    enough = [min(len(row.a.by_seed), len(row.b.by_seed)) >= FEWEST for row in rows]
    effects = [
        effect(
            list(row.a.by_seed.values()),
            list(row.b.by_seed.values()),
            family=sum(enough),
            confidence=confidence,
            threshold=threshold,
        )
        if held
        else None
        for row, held in zip(rows, enough, strict=True)
    ]
    adjusted = iter(holm([one.p for one in effects if one is not None]))
    for row, one in zip(rows, effects, strict=True):
        yield row if one is None else replace(row, effect=one, p_holm=next(adjusted))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
