"""Three numbers for how far a quantity rises between the two ends of a path.

Axes: λ in [0, 1], the position on the path, in equal steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Self


@dataclass(frozen=True)
class Barrier:
    """How far v(λ) rises above its ends, in the units of v; all three are NaN if any value is not finite.

    Attributes:
        max_minus_ends: max_λ v(λ) − (v(0) + v(1))/2, the ends included: at least |v(1) − v(0)|/2.
        midpoint: v(1/2) − (v(0) + v(1))/2; negative where the middle is lower.
        mean_minus_chord: ∫ v(λ) − [(1 − λ) v(0) + λ v(1)] dλ by the trapezoidal rule; negative where v is convex.
    """

    max_minus_ends: float
    midpoint: float
    mean_minus_chord: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """From v at an odd number of positions in equal steps from 0 to 1."""
        if not all(map(isfinite, values)):
            return cls(nan, nan, nan)
        steps = len(values) - 1
        ends = (values[0] + values[-1]) / 2
        # Written so that the chord between equal ends is exactly their value.
        above = [v - (values[0] + (values[-1] - values[0]) * (i / steps)) for i, v in enumerate(values)]
        integral = (sum(above) - (above[0] + above[-1]) / 2) / steps
        return cls(max(values) - ends, values[steps // 2] - ends, integral)
