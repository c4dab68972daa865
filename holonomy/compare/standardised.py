"""Hedges' g: a difference of means in units of the spread over seeds, with its interval.

Axes: n_A, n_B values a side; ν = n_A + n_B − 2 degrees of freedom.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FAR = 5.0
"""Size of t up to which the noncentral t is integrated over the spread, and beyond which over the normal."""
REACH = 9.0
"""Standard deviations of a normal beyond which nothing is left."""
NODES = 1_801


def hedges_g(a: Floats, b: Floats, level: float) -> tuple[float, float, float]:
    """Hedges' g of B against A, with its interval.

        g = J(ν) · (mean_B − mean_A) / s,   s² = ((n_A − 1) s_A² + (n_B − 1) s_B²) / ν,
        J(ν) = Γ(ν/2) / (√(ν/2) Γ((ν − 1)/2)),

    positive where B is larger. J takes out the bias of the quotient in small samples (Hedges 1981). The interval is
    that of the standardised difference itself, from the noncentral t distribution of t = (mean_B − mean_A) /
    (s √(1/n_A + 1/n_B)); it is exact for normal values of one variance, and only then.

    Args:
        a: (n_A,) values of side A, at least two.
        b: (n_B,) values of side B, at least two.
        level: Coverage of the interval.

    Returns:
        g, and the lower and the upper limit; NaN where neither side has any spread.
    """
    from scipy.special import gammaln  # a quarter of a second to import

    freedom = len(a) + len(b) - 2
    spread = math.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / freedom)
    if spread <= rounding(a, b):
        return math.nan, math.nan, math.nan
    standardised = float(b.mean() - a.mean()) / spread
    unbiased = math.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / math.sqrt(freedom / 2)
    width = math.sqrt(1 / len(a) + 1 / len(b))
    low, high = noncentrality_limits(standardised / width, freedom, level)
    return unbiased * standardised, low * width, high * width


def rounding(a: Floats, b: Floats) -> float:
    """What means of these values are uncertain by, for they are rounded numbers."""
    return 4 * float(np.finfo(np.float64).eps) * max(1.0, float(np.abs(np.concatenate((a, b))).max()))


def noncentrality_limits(t: float, freedom: int, level: float) -> tuple[float, float]:
    """The interval of λ that a noncentral t value with ν degrees of freedom leaves.

    P(T ≤ t; λ) = P(Z + λ ≤ t S) with Z normal and S = √(χ²_ν/ν), so that the limits are the quantiles
    (1 − level)/2 and (1 + level)/2 of W = t S − Z.
    """
    tail = (1 - level) / 2
    if t < 0:
        low, high = noncentrality_limits(-t, freedom, level)
        return -high, -low
    # scipy's own inverse, `nctdtrinc`, answers for t = 0 when t is small and the level high, or does not end.
    return _quantile(t, freedom, tail), _quantile(t, freedom, 1 - tail)


def _quantile(t: float, freedom: int, share: float) -> float:
    """A quantile of W: the root of P(W ≤ λ) = share in λ.

    P(W ≤ λ) = E_S[Φ(λ − t S)] = E_Z[P(S ≤ (λ − Z)/t)], for W has the law of t S + Z too. The first is smooth in S
    where t is small, the second in Z where it is large.
    """
    from scipy.optimize import brentq
    from scipy.special import chdtr, chdtri, ndtr

    nodes, weights = _spread(freedom) if t <= FAR else _normal()

    def excess(limit: float) -> float:
        if t <= FAR:
            return float(weights @ ndtr(limit - t * nodes)) - share
        scaled = np.clip((limit - nodes) / t, 0.0, None)
        return float(weights @ chdtr(freedom, freedom * scaled**2)) - share

    # Where S alone is this far out, Z can add no more than its own reach.
    largest = t * math.sqrt(chdtri(freedom, (1 - share) / 100) / freedom)
    return float(brentq(excess, -REACH, largest + REACH, xtol=1e-9 * max(1.0, t)))


def _normal() -> tuple[Floats, Floats]:
    """Nodes and weights of an expectation over Z."""
    nodes = np.linspace(-REACH, REACH, NODES)
    weights = np.exp(-(nodes**2) / 2)
    return nodes, weights / weights.sum()


def _spread(freedom: int) -> tuple[Floats, Floats]:
    """Nodes and weights of an expectation over S, evenly spaced in x = log S.

    The density of x is proportional to exp(ν (x − (exp(2x) − 1)/2)), with its peak at 0. It falls at least as fast as
    exp(−ν x²) to the right, and to the left as exp(−ν (|x| − 1/2)) or, near the peak, as exp(−ν x²/2).
    """
    decay = REACH**2 / 2 / freedom
    x = np.linspace(-(decay + min(0.5, math.sqrt(2 * decay))), math.sqrt(decay), NODES)
    weights = np.exp(freedom * (x - np.expm1(2 * x) / 2))
    return np.exp(x), weights / weights.sum()
