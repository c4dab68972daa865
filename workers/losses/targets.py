"""From labels to the targets of a loss.

Axes: N examples, K outputs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from schemas.losses import CrossEntropy, GroupedCrossEntropy, Loss
from workers.errors import UserFault
from workers.losses.grouped import group_numbers, refuse_joint_labels


def loss_targets(spec: Loss, labels: Tensor, names: Sequence[str], dtype: torch.dtype) -> Tensor:
    """Targets (N, K) of a loss: class labels one-hot, independent labels as they are.

    Args:
        spec: The loss.
        labels: (N,) classes or (N, K) independent labels.
        names: K label names.
        dtype: Type of the targets.

    Raises:
        UserFault: softmax cross-entropy is asked for with independent labels, or labels of a group occur together.
    """
    K = len(names)
    if labels.dim() == 1:
        return nn.functional.one_hot(labels, K).to(dtype)
    if isinstance(spec, CrossEntropy):
        raise UserFault(
            f"cross_entropy needs one class label per example, the data has {K} independent labels: "
            "use binary_cross_entropy"
        )
    if isinstance(spec, GroupedCrossEntropy):
        refuse_joint_labels(group_numbers(spec, names), labels, names)
    return labels.to(dtype)
