"""From a loss spec to its function."""

from collections.abc import Sequence
from typing import assert_never

from schemas.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    GroupedCrossEntropy,
    Loss,
    RegistryLoss,
    SquaredError,
)
from workers.losses.functions import (
    ExampleLoss,
    binary_cross_entropy_mean,
    binary_cross_entropy_sum,
    cross_entropy,
    squared_error_mean,
    squared_error_sum,
)
from workers.losses.grouped import group_numbers, grouped_cross_entropy
from workers.losses.installed import installed_loss


def example_loss(spec: Loss, names: Sequence[str]) -> ExampleLoss:
    """The function a loss spec names, for data with K label names.

    Raises:
        UserFault: the loss names labels that are not there, is not installed, or couples examples.
    """
    match spec:
        case CrossEntropy():
            return cross_entropy
        case BinaryCrossEntropy():
            return binary_cross_entropy_sum if spec.reduction == "sum" else binary_cross_entropy_mean
        case GroupedCrossEntropy():
            return grouped_cross_entropy(group_numbers(spec, names), len(names), spec.reduction)
        case SquaredError():
            return squared_error_sum if spec.reduction == "sum" else squared_error_mean
        case RegistryLoss():
            return installed_loss(spec, len(names))
        case _:
            assert_never(spec)
