"""How far each output moves under swaps.

Axes: p pairs, T test examples, K outputs. Only sums leave a tile, so that a summary need not gather p·T·K numbers.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from torch import Tensor

from schemas.losses import Loss
from workers.data import Dataset
from workers.losses import probabilities

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class OutputSums:
    """Sums of Δz = J_t [v_i, v_j] over some pairs and all test examples, each (K,) float64.

    Attributes:
        pairs: p.
        square_sum: Σ Δz².
        largest: max |Δz|.
        probability_square_sum: Σ (p(1 − p) Δz)², p the probability of the output at the checkpoint.
    """

    pairs: int
    square_sum: Floats
    largest: Floats
    probability_square_sum: Floats

    def __add__(self, other: Self) -> "OutputSums":
        return OutputSums(
            self.pairs + other.pairs,
            self.square_sum + other.square_sum,
            np.maximum(self.largest, other.largest),
            self.probability_square_sum + other.probability_square_sum,
        )


def slack(loss: Loss, dataset: Dataset, logits: Tensor) -> Tensor:
    """p(1 − p) of logits (T, K) in float64: how much a probability moves per unit of its logit."""
    p = probabilities(loss, dataset, logits)
    return p * (1 - p)


def output_sums(moved: np.ndarray[Any, Any], slacks: Floats) -> OutputSums:
    """Sums over Δz (p, T, K), weighted by the slacks (T, K) where they are probabilities."""
    size = np.abs(moved.astype(np.float64))
    return OutputSums(
        pairs=len(size),
        square_sum=(size**2).sum((0, 1)),
        largest=size.max((0, 1), initial=0.0),
        probability_square_sum=((size * slacks) ** 2).sum((0, 1)),
    )
