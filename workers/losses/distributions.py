"""The probability distributions that logits stand for under a loss.

Axes: … any batch axes, K outputs, C independent choices, O outcomes of each.
"""

from collections.abc import Sequence
from typing import assert_never

import torch
from torch import Tensor, nn

from schemas.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    GroupedCrossEntropy,
    Loss,
    RegistryLoss,
    SquaredError,
)
from workers.losses.grouped import group_log_probabilities, group_numbers


def log_probabilities(loss: Loss, names: Sequence[str], logits: Tensor) -> tuple[Tensor, ...] | None:
    """Logarithms of the probabilities of every outcome, as tensors (…, C, O) in float64, from logits (…, K).

    An answer is a set of independent choices, each of one outcome; choices with equally many outcomes may share a
    tensor. Cross-entropy: one choice among K. Binary cross-entropy: K choices between yes and no. Grouped: one
    choice in each group, "none of them" first, and one between yes and no for every other label.

    Finite for finite logits, however large: no probability is rounded to 0 before its logarithm is taken.

    Args:
        loss: The loss.
        names: K label names.
        logits: z.

    Returns:
        None for losses that do not say what logits mean: squared error, and those of a registry.
    """
    z = logits.double()
    match loss:
        case CrossEntropy():
            return (_log_softmax(z).unsqueeze(-2),)
        case BinaryCrossEntropy():
            return (_yes_or_no(z),)
        case GroupedCrossEntropy():
            groups = group_numbers(loss, names)
            grouped = {output for group in groups for output in group}
            others = [output for output in range(len(names)) if output not in grouped]
            chosen = tuple(group_log_probabilities(group, z).unsqueeze(-2) for group in groups)
            return (*chosen, _yes_or_no(z[..., others])) if others else chosen
        case SquaredError() | RegistryLoss():
            return None
        case _:
            assert_never(loss)


def _log_softmax(z: Tensor) -> Tensor:
    """PyTorch's own takes three times as long on a CPU when outcomes are few."""
    shifted = z - z.amax(-1, keepdim=True)
    return shifted.sub_(shifted.exp().sum(-1, keepdim=True).log_())


def _yes_or_no(logits: Tensor) -> Tensor:
    return nn.functional.logsigmoid(torch.stack([logits, -logits], -1))
