"""The commutator defect ‖[v_x, v_y]‖ / (‖g_x‖ ‖g_y‖) over pairs, and a null with random directions for gradients.

    null = ‖H_y u − H_x w‖ / (‖g_x‖ ‖g_y‖),    u, w uniform among all directions, ‖u‖ = ‖g_x‖, ‖w‖ = ‖g_y‖

Defects far above the null say that a gradient lies where the other example's Hessian is large, rather than that the
Hessians are large.

Axes: N examples, p pairs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.brackets.functional import Functional
from workers.brackets.products import hessian_products
from workers.brackets.vectors import flat, shaped
from workers.streams import Stream, torch_seed

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Distribution:
    """Of those of some numbers that are not NaN.

    Attributes:
        count: How many.
        median: None without numbers, as are the others.
        low: 5 % quantile, linear between neighbours.
        high: 95 % quantile.
    """

    count: int
    median: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, numbers: Floats) -> "Distribution":
        """Summarise numbers (p,)."""
        known = numbers[~np.isnan(numbers)]
        if len(known) == 0:
            return cls(0, None, None, None)
        low, median, high = (float(q) for q in np.quantile(known, (0.05, 0.5, 0.95)))
        return cls(len(known), median, low, high)


def null_defects(
    functional: Functional,
    inputs: Tensor,
    targets: Tensor,
    indices: Integers,
    pairs: Integers,
    lengths: Floats,
    seed: int,
) -> Floats:
    """Null defects of sampled pairs, (p,); NaN where a gradient vanishes.

    The directions of a pair are drawn on the CPU from a stream of that pair: they depend neither on the device nor on
    which other pairs are drawn.

    Args:
        functional: The model at the checkpoint.
        inputs: Of all N chosen examples, (N, *input_shape).
        targets: (N, K).
        indices: Their train-split indices, (N,).
        pairs: Positions (a, b), (p, 2).
        lengths: ‖g_a‖ and ‖g_b‖, (p, 2).
        seed: Of the job.
    """
    found = np.full(len(pairs), np.nan)
    for place, ((a, b), (norm_a, norm_b)) in enumerate(zip(pairs.tolist(), lengths.tolist(), strict=True)):
        if norm_a == 0 or norm_b == 0:
            continue
        draw = torch.Generator().manual_seed(torch_seed(seed, Stream.NULL, int(indices[a]), int(indices[b])))
        at_b = _random_product(functional, inputs[b], targets[b], norm_a, draw)
        at_a = _random_product(functional, inputs[a], targets[a], norm_b, draw)
        found[place] = float((at_b - at_a).norm()) / (norm_a * norm_b)
    return found


def defect_columns(step: int, defects: Floats, null: Floats) -> dict[str, Any]:
    """All columns of the `defects` table (schemas.results.DEFECTS), which has one row.

    Args:
        step: Checkpoint.
        defects: Of all pairs, NaN where a gradient vanishes.
        null: Of the sampled pairs, likewise.
    """
    all_pairs, random = Distribution.of(defects), Distribution.of(null)
    return {
        "step": [step],
        "pairs": [all_pairs.count],
        "median": [all_pairs.median],
        "low": [all_pairs.low],
        "high": [all_pairs.high],
        "null_pairs": [random.count],
        "null_median": [random.median],
        "null_low": [random.low],
        "null_high": [random.high],
    }


def random_direction(P: int, draw: torch.Generator) -> Tensor:
    """A vector uniform on the unit sphere, (P,) in float64."""
    # Drawn in float32: drawing in float64 takes longer than the product that follows.
    vector = torch.randn(P, generator=draw, dtype=torch.float32).double()
    vector /= vector.norm()
    return vector


def _random_product(
    functional: Functional, example: Tensor, target: Tensor, length: float, draw: torch.Generator
) -> Tensor:
    """H u at one example for a random direction u of that length, (P,) in float64."""
    P = sum(tensor.numel() for tensor in functional.parameters.values())
    vector = length * random_direction(P, draw).to(example.device)
    direction = {name: tensor.unsqueeze(0) for name, tensor in shaped(vector, functional.parameters).items()}
    return flat(hessian_products(functional, example, target, direction))
