"""What logits say under a loss: probabilities, and right answers.

Axes: … any batch axes, N examples, K outputs.
"""

from typing import assert_never

import torch
from torch import Tensor

from schemas.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    GroupedCrossEntropy,
    Loss,
    RegistryLoss,
    SquaredError,
)
from workers.data.dataset import Dataset
from workers.losses.grouped import group_numbers, grouped_probabilities


def probabilities(loss: Loss, dataset: Dataset, logits: Tensor) -> Tensor:
    """Probability of each label, (…, K) float64, from logits (…, K).

    Cross-entropy: softmax. Binary cross-entropy: sigmoid. Grouped: softmax within each group and "none of them",
    sigmoid elsewhere. Losses that say nothing of it: sigmoid for independent labels, softmax for classes.
    """
    z = logits.double()
    match loss:
        case CrossEntropy():
            return z.softmax(-1)
        case BinaryCrossEntropy():
            return torch.sigmoid(z)
        case GroupedCrossEntropy():
            return grouped_probabilities(group_numbers(loss, dataset.label_names), z)
        case SquaredError() | RegistryLoss():
            return torch.sigmoid(z) if dataset.independent else z.softmax(-1)
        case _:
            assert_never(loss)


def right_answers(logits: Tensor, labels: Tensor, p: Tensor) -> Tensor:
    """Share of right answers per example, (…, N): 0 or 1 for class labels (the largest logit is the label).

    For independent labels it is the share of labels whose probability is on the right side of one half.

    Args:
        logits: (…, N, K).
        labels: (N,) classes or (N, K) independent labels.
        p: Probabilities of the labels, (…, N, K).
    """
    if labels.dim() == 1:
        return (logits.argmax(-1) == labels).double()
    return ((p > 0.5) == (labels > 0.5)).double().mean(-1)
