"""Losses. Each is a function of one example's logits and label, so that a batch loss is their mean.

A mean over K outputs scales gradients by 1/K and brackets by 1/K²: the reduction is part of the spec.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from schemas.base import LabelName, Name, Spec

Reduction = Literal["mean", "sum"]


class CrossEntropy(Spec):
    """Softmax cross-entropy: −log softmax(z)[label]."""

    kind: Literal["cross_entropy"] = "cross_entropy"


class BinaryCrossEntropy(Spec):
    """K independent labels: binary cross-entropy of each logit. Class labels are taken as one-hot targets."""

    kind: Literal["binary_cross_entropy"] = "binary_cross_entropy"
    reduction: Reduction = "mean"
    """Over the K outputs of one example."""


Output = LabelName | Annotated[int, Field(ge=0)]


class GroupedCrossEntropy(Spec):
    """Softmax cross-entropy within groups of labels that exclude each other, binary cross-entropy for all others.

    A group has one class more than labels, "none of them", whose logit is 0: for a group G and targets t,
    log(1 + Σ_{k in G} exp z_k) − Σ_{k in G} t_k z_k. A group of one label is its binary cross-entropy.
    """

    kind: Literal["grouped_cross_entropy"] = "grouped_cross_entropy"
    groups: Annotated[tuple[Annotated[tuple[Output, ...], Field(min_length=1)], ...], Field(min_length=1)]
    """Outputs of each group, by label name or by number from 0."""
    reduction: Reduction = "mean"
    """Over the K outputs of one example: `mean` divides the sum over groups and other labels by K, as for binary
    cross-entropy, so that gradients of the labels outside groups are the same under both."""

    @model_validator(mode="after")
    def _one_group_each(self) -> Self:
        listed = [output for group in self.groups for output in group]
        twice = sorted({str(output) for output in listed if listed.count(output) > 1})
        if twice:
            raise ValueError(f"an output is in one group, once; listed more than once: {twice[:5]}")
        return self


class SquaredError(Spec):
    """½ (z − target)² over outputs. Class labels are taken as one-hot targets."""

    kind: Literal["squared_error"] = "squared_error"
    reduction: Reduction = "sum"
    """Over the K outputs of one example."""


class RegistryLoss(Spec):
    """A loss installed on the workers under the entry-point group `holonomy.losses`.

    It maps logits (…, K) and targets (…, K) to losses (…), one per example.
    """

    kind: Literal["registry"] = "registry"
    name: Name
    """Name of the entry point."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments of the factory."""


Loss = Annotated[
    CrossEntropy | BinaryCrossEntropy | GroupedCrossEntropy | SquaredError | RegistryLoss,
    Field(discriminator="kind"),
]
