"""Two samples over seeds held against each other: how far B lies from A, and how far that is certain.

Axes: n_A, n_B values a side, one for each seed; m comparisons that are made together, the family.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holonomy.compare.standardised import hedges_g, rounding
from holonomy.errors import Refused

Floats = NDArray[np.float64]
Scale = Literal["ratio", "difference"]

FEWEST = 2
"""Values a side that a spread needs."""
LARGEST = math.log(np.finfo(np.float64).max)


@dataclass(frozen=True)
class Effect:
    """How far the values of B lie from those of A.

    All intervals are simultaneous: with probability `confidence` or more, those of the whole family hold at once.

    Attributes:
        scale: `ratio` where all values are positive: of geometric means, B / A. Else `difference` of means, B − A.
        n_a: Values of A.
        n_b: Values of B.
        mean_a: Geometric mean of A, or mean.
        mean_b: The same of B.
        shift: Difference of means, B − A, of logarithms for a ratio: positive where B is larger.
        half_width: Half the width of its interval.
        margin: What does not count as a change, on the scale of `shift`; 0 without a threshold.
        p: Of Welch's t test that the true shift is no larger than the margin, for this comparison alone.
        g: Hedges' g of the values, of their logarithms for a ratio; NaN where neither side has any spread.
        g_low: Its lower limit.
        g_high: Its upper limit.
    """

    scale: Scale
    n_a: int
    n_b: int
    mean_a: float
    mean_b: float
    shift: float
    half_width: float
    margin: float
    p: float
    g: float
    g_low: float
    g_high: float

    @property
    def changed(self) -> bool:
        """Whether the whole interval lies beyond the margin, to one side of no change."""
        return abs(self.shift) - self.half_width > self.margin

    @property
    def estimate(self) -> float:
        """B / A, or B − A."""
        return self._shown(self.shift)

    @property
    def low(self) -> float:
        """Lower limit of the estimate."""
        return self._shown(self.shift - self.half_width)

    @property
    def high(self) -> float:
        """Upper limit of the estimate."""
        return self._shown(self.shift + self.half_width)

    @property
    def noticed(self) -> float:
        """The smallest change that would have been noticed at this spread: B / A − 1 of a rise, or a difference."""
        reach = self.half_width + self.margin
        return _factor(reach) - 1.0 if self.scale == "ratio" else reach

    def _shown(self, value: float) -> float:
        return _factor(value) if self.scale == "ratio" else value


def effect(
    a: Sequence[float], b: Sequence[float], *, family: int = 1, confidence: float = 0.95, threshold: float = 0.0
) -> Effect:
    """Welch's comparison of two samples, one of m that are made together.

        shift = mean(y_B) − mean(y_A),   se² = s_A²/n_A + s_B²/n_B,   shift ± t(1 − α/(2m), ν) · se

    where y = log x if all values of both sides are positive, else y = x, and ν is Welch and Satterthwaite's. α =
    1 − confidence is shared by the m comparisons (Bonferroni), whatever they have to do with each other. Multiplying
    all values by a positive number leaves a ratio as it is and scales a difference.

    The margin of a threshold τ is log(1 + τ) for a ratio, so that it runs from 1/(1 + τ) to 1 + τ, and
    τ (|mean_A| + |mean_B|)/2 for a difference: both are the same with the sides exchanged.

    Args:
        a: One finite value for each seed of side A, at least two.
        b: The same of side B.
        family: m.
        confidence: Between 0 and 1; probability that no interval of the family misses.
        threshold: τ ≥ 0; smaller relative changes do not count.

    Raises:
        Refused: fewer than two values on a side.
    """
    from scipy.special import stdtr, stdtrit  # a quarter of a second to import

    sides = (np.asarray(a, np.float64), np.asarray(b, np.float64))
    for side, values in zip("AB", sides, strict=True):
        if len(values) < FEWEST:
            raise Refused(f"a spread needs at least two seeds a side; side {side} has {len(values)}")
    together = np.concatenate(sides)
    ratio = bool((together > 0).all())
    # By a power of two, which is exact: squares of very small or large values would leave the range of a float.
    unit = 1.0 if ratio else math.ldexp(1.0, math.frexp(float(np.abs(together).max()))[1] - 1)
    y_a, y_b = (np.log(values) if ratio else values / unit for values in sides)
    mean_a, mean_b = (math.fsum(y) / len(y) for y in (y_a, y_b))
    shift = mean_b - mean_a
    error, freedom = welch(y_a, y_b)
    level = 1 - (1 - confidence) / family
    half_width = float(stdtrit(freedom, (1 + level) / 2)) * error
    margin = math.log1p(threshold) if ratio else threshold * (abs(mean_a) + abs(mean_b)) / 2
    beyond = abs(shift) - margin
    p = 1.0 if beyond <= 0 else 2 * float(stdtr(freedom, -beyond / error))
    g, g_low, g_high = hedges_g(y_a, y_b, level)
    if ratio:
        means = math.exp(mean_a), math.exp(mean_b)
    else:
        means = mean_a * unit, mean_b * unit
        shift, half_width, margin = shift * unit, half_width * unit, margin * unit
    scale: Scale = "ratio" if ratio else "difference"
    return Effect(scale, len(y_a), len(y_b), *means, shift, half_width, margin, p, g, g_low, g_high)


def welch(a: Floats, b: Floats) -> tuple[float, float]:
    """Standard error of mean_B − mean_A, and Welch and Satterthwaite's degrees of freedom ν.

    1/ν = c²/(n_A − 1) + (1 − c)²/(n_B − 1), where c is A's share of the squared error. The error is never below what
    the mean of rounded numbers is uncertain by, so that sides without spread are not told apart by their rounding.
    """
    square_a, square_b = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    error = max(math.sqrt(square_a + square_b), rounding(a, b))
    if square_a + square_b == 0.0:
        return error, float(len(a) + len(b) - 2)
    share = square_a / (square_a + square_b)
    return error, 1 / (share**2 / (len(a) - 1) + (1 - share) ** 2 / (len(b) - 1))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p values: the i-th smallest of m is the largest of (m − j + 1) p_(j) over j ≤ i, at most 1."""
    order = sorted(range(len(p)), key=lambda place: p[place])
    adjusted, largest = [1.0] * len(p), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - rank) * p[place]))
        adjusted[place] = largest
    return adjusted


def _factor(logarithm: float) -> float:
    """exp(x); infinite where that leaves the range of a float."""
    return math.exp(logarithm) if logarithm < LARGEST else math.inf
