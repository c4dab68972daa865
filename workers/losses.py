"""Losses of single examples as pure functions of logits and targets, and how well logits fit labels.

Axes: … any batch axes, K outputs. A loss maps (…, K) and (…, K) to (…): nothing is averaged over examples.
"""

from collections.abc import Callable
from typing import assert_never

import torch
from torch import Tensor, nn

from schemas.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from workers.errors import UserFault

ExampleLoss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """−Σ_k t_k log softmax(z)_k; with one-hot targets, −log softmax(z)[label]."""
    return -(targets * logits.log_softmax(-1)).sum(-1)


def binary_cross_entropy_sum(logits: Tensor, targets: Tensor) -> Tensor:
    """Σ_k −t_k log σ(z_k) − (1 − t_k) log σ(−z_k), in the form that does not overflow: (1 − t) z − log σ(z)."""
    return ((1 - targets) * logits - nn.functional.logsigmoid(logits)).sum(-1)


def binary_cross_entropy_mean(logits: Tensor, targets: Tensor) -> Tensor:
    """The sum divided by K: gradients are scaled by 1/K, brackets by 1/K²."""
    return binary_cross_entropy_sum(logits, targets) / logits.shape[-1]


def squared_error_sum(logits: Tensor, targets: Tensor) -> Tensor:
    """½ Σ_k (z_k − t_k)²."""
    return 0.5 * (logits - targets).square().sum(-1)


def squared_error_mean(logits: Tensor, targets: Tensor) -> Tensor:
    """The sum divided by K."""
    return squared_error_sum(logits, targets) / logits.shape[-1]


def example_loss(spec: CrossEntropy | BinaryCrossEntropy | SquaredError) -> ExampleLoss:
    """The function a loss spec names."""
    match spec:
        case CrossEntropy():
            return cross_entropy
        case BinaryCrossEntropy():
            return binary_cross_entropy_sum if spec.reduction == "sum" else binary_cross_entropy_mean
        case SquaredError():
            return squared_error_sum if spec.reduction == "sum" else squared_error_mean
        case _:
            assert_never(spec)


def loss_targets(
    spec: CrossEntropy | BinaryCrossEntropy | SquaredError, labels: Tensor, K: int, dtype: torch.dtype
) -> Tensor:
    """Targets (N, K) of a loss: class labels one-hot, independent labels as they are.

    Raises:
        UserFault: softmax cross-entropy is asked for with independent labels.
    """
    if labels.dim() == 1:
        return nn.functional.one_hot(labels, K).to(dtype)
    if isinstance(spec, CrossEntropy):
        raise UserFault(
            f"cross_entropy needs one class label per example, the data has {K} independent labels: "
            "use binary_cross_entropy"
        )
    return labels.to(dtype)


def right_answers(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of right answers per example, (N,): 0 or 1 for class labels (the largest logit is the label).

    For independent labels it is the share of labels whose logit has the right sign.
    """
    if labels.dim() == 1:
        return (logits.argmax(-1) == labels).double()
    return ((logits > 0) == (labels > 0.5)).double().mean(-1)
