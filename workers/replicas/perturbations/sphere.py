"""Moves that keep the norm of a vector.

Axes: n elements of the vector.
"""

import math
from typing import Any

import numpy as np

Vector = np.ndarray[Any, np.dtype[np.float64]]


def norm(vector: Vector) -> float:
    """‖v‖ of (n,) float64; inf or NaN where that is not finite.

    Pairwise sums of NumPy's own: a BLAS norm would have other bits with another number of threads.
    """
    with np.errstate(over="ignore"):
        return math.sqrt(np.sum(np.square(vector)))


def along_sphere(w: Vector, ratio: float, noise: Vector) -> Vector:
    """The displacement w' − w of w' = (1 − ε²/2r²) w + ε √(1 − ε²/4r²) u with r = ‖w‖, so ‖w'‖ = r, ‖w' − w‖ = ε.

    u is `noise` with its component along w removed, normalised. This algebraic form holds its digits at any ε; the
    usual one by the angle arccos(1 − ε²/2r²) is no move at all in float32 below ε/r ≈ 2.4e-4.

    Args:
        w: Where the move starts, (n,) with n ≥ 2 and r > 0.
        ratio: ε/r, from 0 to 2; at 2 w' = −w.
        noise: A Gaussian vector (n,), not parallel to w.
    """
    r = norm(w)
    e, u = w / r, noise
    for _ in range(2):  # the second time removes what rounding left of the component along w
        u = u - np.sum(u * e) * e
        u = u / norm(u)
    # √(1 − q²/4) by its factors, which cancel nothing near q = 2.
    return -(ratio**2 / 2) * w + ratio * r * math.sqrt((1 - ratio / 2) * (1 + ratio / 2)) * u
