"""Brackets of minibatches: [v_B, v_C] = H_C g_B − H_B g_C with the fields v_B = −∇L_B of batch means.

Two products per pair of batches, whatever their sizes; equal to the mean over all |B| |C| pairs of brackets of their
examples, so that examples in both cancel (mathematics.md, 2, A3). No power of the learning rate is included.

Axes: P parameters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from torch import Tensor

from workers.brackets.functional import Functional
from workers.brackets.means import mean_gradient, mean_product
from workers.brackets.vectors import cosine, flat, shaped

Examples = Callable[[Sequence[int]], tuple[Tensor, Tensor]]
"""Inputs (m, *input_shape) and targets (m, K) of training examples by index."""


@dataclass(frozen=True)
class MinibatchBracket:
    """Numbers about [v_B, v_C], in float64.

    Attributes:
        shared: Examples in both batches.
        norm: ‖[v_B, v_C]‖.
        gradient_norm_b: ‖∇L_B‖.
        gradient_norm_c: ‖∇L_C‖.
        gradient_cosine: Cosine of the gradients; 0 where either vanishes.
        hvp_norm_bc: ‖H_C ∇L_B‖.
        hvp_norm_cb: ‖H_B ∇L_C‖.
    """

    shared: int
    norm: float
    gradient_norm_b: float
    gradient_norm_c: float
    gradient_cosine: float
    hvp_norm_bc: float
    hvp_norm_cb: float


def minibatch_brackets(
    functional: Functional,
    examples: Examples,
    batches: Sequence[Sequence[int]],
    pairs: Sequence[tuple[int, int]],
    held: int = 32,
    pause: Callable[[], None] = lambda: None,
) -> list[MinibatchBracket]:
    """Brackets of pairs of batches.

    Args:
        functional: The model at the checkpoint.
        examples: Gives training examples.
        batches: Train-split indices of each batch; taken in ascending order, so that equal batches give exactly 0.
        pairs: Places (b, c) of both batches. With pairs ordered by b, then c, and no more than `held` batches among
            them, a batch's gradient is taken once.
        held: Gradients kept, P float64 numbers each; the least recently used is taken again when needed.
        pause: Called before every pair; what it raises ends the work.
    """

    @lru_cache(maxsize=held)
    def gradient(place: int) -> Tensor:
        return flat(mean_gradient(functional, *examples(sorted(batches[place]))))

    def product(place: int, direction: Tensor) -> Tensor:
        tangent = shaped(direction, functional.parameters)
        return flat(mean_product(functional, *examples(sorted(batches[place])), tangent))

    found = []
    for b, c in pairs:
        pause()
        g_b, g_c = gradient(b), gradient(c)
        forward, backward = product(c, g_b), product(b, g_c)
        found.append(
            MinibatchBracket(
                shared=len(set(batches[b]) & set(batches[c])),
                norm=float((forward - backward).norm()),
                gradient_norm_b=float(g_b.norm()),
                gradient_norm_c=float(g_c.norm()),
                gradient_cosine=cosine(g_b, g_c),
                hvp_norm_bc=float(forward.norm()),
                hvp_norm_cb=float(backward.norm()),
            )
        )
    return found


def minibatch_columns(
    step: int, pairs: Sequence[tuple[int, int]], found: Sequence[MinibatchBracket], parameters: int
) -> dict[str, Any]:
    """All columns of the `minibatches` table (schemas.results.MINIBATCHES); `parameters` is P."""
    products = [bracket.hvp_norm_bc + bracket.hvp_norm_cb for bracket in found]
    gradients = [bracket.gradient_norm_b * bracket.gradient_norm_c for bracket in found]
    return {
        "step": [step] * len(found),
        "b": [b for b, _ in pairs],
        "c": [c for _, c in pairs],
        "shared": [bracket.shared for bracket in found],
        "bracket_norm": [bracket.norm for bracket in found],
        "bracket_rms": [bracket.norm / parameters**0.5 for bracket in found],
        "gradient_norm_b": [bracket.gradient_norm_b for bracket in found],
        "gradient_norm_c": [bracket.gradient_norm_c for bracket in found],
        "gradient_cosine": [bracket.gradient_cosine for bracket in found],
        "defect": [
            bracket.norm / below if below > 0 else 0.0 for bracket, below in zip(found, gradients, strict=True)
        ],
        "cancellation": [
            bracket.norm / below if below > 0 else 1.0 for bracket, below in zip(found, products, strict=True)
        ],
    }
