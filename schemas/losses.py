"""Losses. Each is a function of one example's logits and label, so that a batch loss is their mean.

A mean over K outputs scales gradients by 1/K and brackets by 1/K²: the reduction is part of the spec.
"""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Spec

Reduction = Literal["mean", "sum"]


class CrossEntropy(Spec):
    """Softmax cross-entropy: −log softmax(z)[label]."""

    kind: Literal["cross_entropy"] = "cross_entropy"


class BinaryCrossEntropy(Spec):
    """K independent labels: binary cross-entropy of each logit. Class labels are taken as one-hot targets."""

    kind: Literal["binary_cross_entropy"] = "binary_cross_entropy"
    reduction: Reduction = "mean"
    """Over the K outputs of one example."""


class SquaredError(Spec):
    """½ (z − target)² over outputs. Class labels are taken as one-hot targets."""

    kind: Literal["squared_error"] = "squared_error"
    reduction: Reduction = "sum"
    """Over the K outputs of one example."""


Loss = Annotated[CrossEntropy | BinaryCrossEntropy | SquaredError, Field(discriminator="kind")]
