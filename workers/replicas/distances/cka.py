"""Linear centred kernel alignment of two representations of the same examples.

Axes: n examples, d and e features.

Kornblith, Norouzi, Lee and Hinton, *Similarity of Neural Network Representations Revisited* (ICML 2019).
"""

from dataclasses import dataclass
from math import nan, sqrt
from typing import Self

import torch
from torch import Tensor

ROWS = 1_024
"""Rows of a matrix of products that are held at a time; part of the bits."""


@dataclass(frozen=True)
class Representation:
    """Features of n examples.

    Attributes:
        features: X, (n, d) in float64, with mean 0 and largest element 1; NaN where all examples have the same.
        square: ‖XᵀX‖², Frobenius norm.
    """

    features: Tensor
    square: float

    @classmethod
    def of(cls, features: Tensor) -> Self:
        """Of features (n, d) of any type, which are centred and scaled."""
        # Counted from the first example on, not from 0: features that do not vary are then exactly 0 here, whatever
        # their mean rounds to.
        moved = features.double() - features[:1].double()
        centred = moved.sub_(moved.mean(0))
        scaled = centred.div_(centred.abs().amax())
        return cls(scaled, _square(scaled, scaled))

    def cka(self, other: Self) -> float:
        """‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖), in [0, 1].

        1 if the features are the same but for a rotation, a reflection, a translation and one common factor. It is
        ruled by the directions of largest variance, and says nothing of which single features agree. NaN where all
        examples have the same features in either, or some are not finite.
        """
        below = sqrt(self.square * other.square)
        return min(1.0, _square(self.features, other.features) / below) if below > 0 else nan


def _square(x: Tensor, y: Tensor) -> float:
    """‖YᵀX‖² of (n, d) and (n, e), as Σ (x_a·x_b)(y_a·y_b) over pairs of examples if there are fewer of those."""
    total = torch.zeros((), dtype=torch.float64, device=x.device)
    if len(x) ** 2 < x.shape[1] * y.shape[1]:
        for rows in range(0, len(x), ROWS):
            part = slice(rows, rows + ROWS)
            total += (x[part] @ x.T).mul_(y[part] @ y.T).sum()
    else:
        for columns in torch.split(x, ROWS, 1):
            total += (columns.T @ y).square_().sum()
    return float(total)
