"""How much of a network is still what it was: correlations of a replica with itself at an earlier step.

Axes: m replicas, E elements over all tensors.
"""

from collections.abc import Mapping, Sequence
from math import inf, nan, sqrt

import numpy as np
import torch
from torch import Tensor

from workers.replicas.distances.columns import Floats

ROUNDING = float(np.finfo(np.float64).eps)


def correlations(earlier: Mapping[str, Tensor], later: Mapping[str, Tensor], members: Sequence[int]) -> Floats:
    """Pearson correlation over elements of each member's tensors at two steps, (m,) float64.

        Σ_e (x_e − x̄)(y_e − ȳ) / √(Σ_e (x_e − x̄)² Σ_e (y_e − ȳ)²)

    with e over the E elements of all tensors together and x̄ their mean: it does not see a change of scale or a shift
    that all elements have in common. Sums and differences are in float64, one tensor of one member at a time.

    Args:
        earlier: Tensors (R, *shape) by name.
        later: The same of another step.
        members: Which of the R, m of them.

    Returns:
        NaN for a member that is constant or not finite at either step.
    """
    return np.array([_correlation(_one(earlier, member), _one(later, member)) for member in members])


def _one(stacked: Mapping[str, Tensor], member: int) -> list[Tensor]:
    """Its tensors, flat. Copied: sums round differently with where in memory a tensor begins."""
    return [stacked[name][member].reshape(-1).clone() for name in sorted(stacked)]


def _correlation(x: Sequence[Tensor], y: Sequence[Tensor]) -> float:
    E = sum(tensor.numel() for tensor in x)
    x_mean, y_mean = (sum(float(tensor.sum(dtype=torch.float64)) for tensor in tensors) / E for tensors in (x, y))
    xx = yy = xy = 0.0
    for earlier, later in zip(x, y, strict=True):
        a, b = earlier.double() - x_mean, later.double() - y_mean
        xx, yy, xy = xx + float(a @ a), yy + float(b @ b), xy + float(a @ b)
    if not (_varies(xx, x_mean, E) and _varies(yy, y_mean, E)):
        return nan
    return min(1.0, max(-1.0, xy / (sqrt(xx) * sqrt(yy))))


def _varies(square_sum: float, mean: float, E: int) -> bool:
    """Whether squared deviations from the mean are more than the rounding of the mean; False for NaN and infinity."""
    return E * (8 * ROUNDING * mean) ** 2 < square_sum < inf
