"""Losses of single examples as pure functions of logits and targets.

Axes: … any batch axes, K outputs. A loss maps (…, K) and (…, K) to (…): nothing is averaged over examples.
"""

from collections.abc import Callable

from torch import Tensor, nn

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
