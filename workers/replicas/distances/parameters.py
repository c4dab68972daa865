"""Distances in parameter space.

Axes: R members, n parameter tensors, P parameters over all tensors.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workers.replicas.distances.columns import Floats, quotient

WIDTH = 2**13
"""Elements of a tensor that turn to float64 at a time; part of the bits of a distance."""
ROWS = 32
"""Members at a time, so that what is in float64 stays in the cache; of no effect on bits."""


@dataclass(frozen=True)
class ParameterDistances:
    """Of every member to member 0, by tensor, (R, n) in float64.

    Attributes:
        absolute: Σ |w_i − w_0|.
        squares: Σ (w_i − w_0)².
        largest: max |w_i − w_0|.
        norm_squares: Σ w_i².
    """

    absolute: Floats
    squares: Floats
    largest: Floats
    norm_squares: Floats

    @property
    def distance(self) -> Floats:
        """‖w_i − w_0‖₂ over all parameters, (R,)."""
        distance: Floats = np.sqrt(self.squares.sum(1))
        return distance

    @property
    def norm(self) -> Floats:
        """‖w_i‖ over all parameters, (R,)."""
        norm: Floats = np.sqrt(self.norm_squares.sum(1))
        return norm

    @property
    def cosine(self) -> Floats:
        """Cosine of w_i and w_0 over all parameters, (R,); NaN where either vanishes."""
        return _cosine(self.squares.sum(1), self.norm_squares.sum(1))

    @property
    def tensor_cosine(self) -> Floats:
        """The cosine of each tensor, (R, n)."""
        return _cosine(self.squares, self.norm_squares)


def parameter_distances(parameters: Mapping[str, Tensor]) -> ParameterDistances:
    """Distances of stacked parameters (R, *shape) to those of member 0.

    Differences and sums are taken in float64, where the difference of two float32 numbers of similar size is exact:
    distances of 1e-7 ‖w_0‖ are as accurate as any. Equal members have distance 0 and cosine 1 exactly. What is found
    for a member has the same bits in every stack.
    """
    found = torch.stack([_tensor(tensor.unsqueeze(-1).flatten(1)) for tensor in parameters.values()], -1)
    return ParameterDistances(*found.cpu().numpy())


def _tensor(values: Tensor) -> Tensor:
    """The four numbers of each member for one tensor (R, elements): (4, R)."""
    found = torch.zeros(4, len(values), dtype=torch.float64, device=values.device)
    for start in range(0, values.shape[1], WIDTH):
        stretch = values[:, start : start + WIDTH]
        baseline = stretch[:1].double()
        for first in range(0, len(values), ROWS):
            rows = slice(first, first + ROWS)
            block = stretch[rows].double()
            found[3, rows] += block.square().sum(1)
            difference = (block - baseline).abs_()  # `block` may be the parameters themselves
            found[0, rows] += difference.sum(1)
            found[2, rows] = torch.maximum(found[2, rows], difference.amax(1))
            found[1, rows] += difference.square_().sum(1)
    return found


def _cosine(squares: Floats, norm_squares: Floats) -> Floats:
    """From ‖u − v‖², ‖u‖² and ‖v‖², v the first row: 2 u·v = ‖u‖² + ‖v‖² − ‖u − v‖²."""
    with np.errstate(over="ignore", invalid="ignore"):
        product = (norm_squares + norm_squares[:1] - squares) / 2
        # The root of a square, not the product of roots: it gives a vector's own square back exactly.
        return np.clip(quotient(product, np.sqrt(norm_squares * norm_squares[:1])), -1, 1)
