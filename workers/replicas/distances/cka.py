"""Linear centred kernel alignment of two representations of the same examples.

Axes: n examples, d and e features.

Kornblith, Norouzi, Lee and Hinton, *Similarity of Neural Network Representations Revisited* (ICML 2019).
"""

from dataclasses import dataclass
from math import nan, sqrt
from typing import Self

import torch
from torch import Tensor

COLUMNS = 1_024
"""Columns of a matrix of products of features that are held at a time; part of the bits."""


@dataclass(frozen=True)
class Representation:
    """Features X (n, d) of n examples in float64, with mean 0 and largest element 1.

    Attributes:
        matrix: X, or the Gram matrix XXᵀ (n, n) where there are more features than examples.
        gram: Whether it is the Gram matrix.
        square: ‖XᵀX‖² = ‖XXᵀ‖², Frobenius norm.
    """

    matrix: Tensor
    gram: bool
    square: float

    @classmethod
    def of(cls, features: Tensor) -> Self:
        """Of features (n, d) of any type. NaN all over if every example has the same ones, or some are not finite."""
        # Counted from the first example on, not from 0: features that do not vary are then exactly 0 here, whatever
        # their mean rounds to.
        moved = features.double() - features[:1].double()
        centred = moved.sub_(moved.mean(0))
        x = centred.div_(centred.abs().amax())
        if x.shape[1] <= len(x):
            return cls(x, False, _square(x, x))
        products = x @ x.T
        return cls(products, True, float((products * products).sum()))

    def cka(self, other: Self) -> float:
        """‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖), in [0, 1]; for Gram matrices K and L the numerator is Σ K_ab L_ab.

        1 if the features are the same but for a rotation, a reflection, a translation and one common factor. It is
        ruled by the directions of largest variance, and says nothing of which single features agree. NaN where either
        is NaN.
        """
        below = sqrt(self.square * other.square)
        if self.gram or other.gram:
            above = float((self._products() * other._products()).sum())
        else:
            above = _square(self.matrix, other.matrix)
        return min(1.0, max(0.0, above / below)) if below > 0 else nan

    def _products(self) -> Tensor:
        """XXᵀ."""
        return self.matrix if self.gram else self.matrix @ self.matrix.T


def _square(x: Tensor, y: Tensor) -> float:
    """‖YᵀX‖² of (n, d) and (n, e)."""
    total = torch.zeros((), dtype=torch.float64, device=x.device)
    for columns in torch.split(x, COLUMNS, 1):
        total += (columns.T @ y).square_().sum()
    return float(total)
