"""By which law distances grow: four laws of two parameters fitted by least squares on the distance itself.

Axes: n points.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import least_squares

from workers.replicas.distances.columns import Floats

Law = Literal["exponential", "linear", "sqrt", "power"]
PARAMETERS = 3
"""k of AIC: a, b and the variance of the residuals. A fit takes at least as many points."""


@dataclass(frozen=True)
class Fit:
    """A law fitted to a curve. What does not exist is None.

    Attributes:
        law: Its name.
        a: First parameter.
        b: Second parameter.
        rss: Σ (d − law)².
        aic: n ln(rss / n) + 2k, k = 3; None for a curve that the law meets exactly.
        aic_difference: aic less the smallest of the curve's fits.
    """

    law: Law
    a: float | None = None
    b: float | None = None
    rss: float | None = None
    aic: float | None = None
    aic_difference: float | None = None


def growth(steps: Floats, distances: Floats) -> tuple[Fit, ...]:
    """The four laws fitted to a curve of distances d(t), t the optimizer step.

        exponential  a·e^(bt)      linear  a + bt      sqrt  a + b√t      power  a·t^b

    Residuals are those of d, not of ln d: late, large distances weigh most. AIC compares laws on the same points; its
    residuals are taken as independent, which those of a smooth curve are not, so that its differences overstate how
    sure the choice is. They say nothing of times outside the window.

    Args:
        steps: (n,) t ≥ 1.
        distances: (n,) d; points that are not finite are left out.

    Returns:
        One fit per law; a law that cannot be fitted, or fewer than three points, gives a fit of Nones.
    """
    finite = np.isfinite(distances)
    t, d = steps[finite].astype(np.float64), distances[finite].astype(np.float64)
    if len(d) < PARAMETERS:
        return tuple(Fit(law) for law in LAWS)
    with np.errstate(all="ignore"):  # a search may try what overflows; what comes of it is checked
        fits = [_fit(law, t, d) for law in LAWS]
    known = [fit.aic for fit in fits if fit.aic is not None]
    return tuple(
        fit if fit.aic is None else Fit(fit.law, fit.a, fit.b, fit.rss, fit.aic, fit.aic - min(known)) for fit in fits
    )


def _fit(law: Law, t: Floats, d: Floats) -> Fit:
    try:
        a, b = LAWS[law](t, d)
    except (ValueError, np.linalg.LinAlgError):  # the search or the factorisation met numbers that are not finite
        return Fit(law)
    rss = float(np.square(d - value(law, a, b, t)).sum())
    if not np.isfinite([a, b, rss]).all():
        return Fit(law)
    aic = len(d) * np.log(rss / len(d)) + 2 * PARAMETERS if rss > 0 else None
    return Fit(law, float(a), float(b), rss, None if aic is None else float(aic))


def value(law: Law, a: float, b: float, t: Floats) -> Floats:
    """The law with parameters a and b at t (n,)."""
    match law:
        case "exponential":
            return a * np.exp(b * t)
        case "linear":
            return a + b * t
        case "sqrt":
            return a + b * np.sqrt(t)
        case "power":
            return a * t**b


def _straight(x: Floats, d: Floats) -> tuple[float, float]:
    """a, b that minimise Σ (d − a − b x)²; x is centred, so that a long window far from 0 costs no digits."""
    centred = x - x.mean()
    spread = float(centred @ centred)
    if spread == 0:
        raise ValueError("a line needs two different times")
    b = float(centred @ (d - d.mean())) / spread
    return float(d.mean()) - b * float(x.mean()), b


def _curved(x: Floats, d: Floats) -> tuple[float, float]:
    """A, b that minimise Σ (d − A e^(b x))² for x ≤ 0, where 0 is the window's end.

    The search (Levenberg and Marquardt) starts at the line through ln d.
    d is measured in units of its largest value and x in units of the window, so that both parameters are near 1.
    """
    height, width = float(np.abs(d).max()), float(np.ptp(x))
    if height == 0 or width == 0:
        raise ValueError("a curve needs two different times and a distance above 0")
    u, v = x / width, d / height
    positive = v > 0
    start = (1.0, 0.0)
    if len(np.unique(u[positive])) > 1:
        logarithm, slope = _straight(u[positive], np.log(v[positive]))
        start = (float(np.exp(logarithm)), slope)

    def residuals(parameters: Floats) -> Floats:
        return np.asarray(parameters[0] * np.exp(parameters[1] * u) - v)

    def jacobian(parameters: Floats) -> Floats:
        shape = np.exp(parameters[1] * u)
        return np.stack([shape, parameters[0] * u * shape], axis=1)

    found = least_squares(residuals, start, jacobian, method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14)
    return height * float(found.x[0]), float(found.x[1]) / width


def _exponential(t: Floats, d: Floats) -> tuple[float, float]:
    end, b = _curved(t - t.max(), d)
    return end * float(np.exp(-b * t.max())), b


def _linear(t: Floats, d: Floats) -> tuple[float, float]:
    return _straight(t, d)


def _sqrt(t: Floats, d: Floats) -> tuple[float, float]:
    return _straight(np.sqrt(t), d)


def _power(t: Floats, d: Floats) -> tuple[float, float]:
    end, b = _curved(np.log(t) - np.log(t.max()), d)
    return end * float(t.max() ** -b), b


LAWS: dict[Law, Callable[[Floats, Floats], tuple[float, float]]] = {
    "exponential": _exponential,
    "linear": _linear,
    "sqrt": _sqrt,
    "power": _power,
}
"""How each law is fitted."""
