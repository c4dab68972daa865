"""How the logits of a job are read: losses, answers and probabilities, in float64.

Axes: … members or none, n examples, K outputs, C independent choices, O outcomes of each.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from schemas.losses import CrossEntropy, Loss
from workers.data.dataset import Dataset
from workers.losses import ExampleLoss, example_loss, log_probabilities, loss_targets, probabilities, right_answers


@dataclass(frozen=True)
class Meaning:
    """What a loss says of logits, for the labels of a dataset."""

    spec: Loss
    dataset: Dataset
    loss: ExampleLoss

    @classmethod
    def of(cls, spec: Loss, dataset: Dataset) -> Self:
        """The meaning under the loss of a spec.

        Raises:
            UserFault: the loss names labels that are not there, is not installed, or couples examples.
        """
        return cls(spec, dataset, example_loss(spec, dataset.label_names))

    def targets(self, labels: Tensor) -> Tensor:
        """Targets of the loss in float64, (n, K)."""
        return loss_targets(self.spec, labels, self.dataset.label_names, torch.float64)

    def read(self, logits: Tensor) -> "Reading":
        """Read logits (…, n, K) of any type."""
        return Reading(self, logits.double())


@dataclass(frozen=True)
class Reading:
    """Logits z (…, n, K) in float64, and what they say. What several questions need is found once."""

    meaning: Meaning
    z: Tensor

    @cached_property
    def log_probabilities(self) -> tuple[Tensor, ...] | None:
        """Logarithms of the probabilities of outcomes, (…, n, C, O) each; None if the loss does not say."""
        return log_probabilities(self.meaning.spec, self.meaning.dataset.label_names, self.z)

    @cached_property
    def predicted(self) -> Tensor:
        """The predicted labels: classes (…, n); of independent labels those above one half, as numbers (…, n, K)."""
        return (self._probabilities > 0.5).double() if self.meaning.dataset.independent else self.z.argmax(-1)

    def losses(self, targets: Tensor) -> Tensor:
        """Loss of every example against targets (n, K): (…, n)."""
        if isinstance(self.meaning.spec, CrossEntropy) and self.log_probabilities is not None:
            # The loss itself, from logarithms that are mostly needed anyway and are most of its work.
            return (self.log_probabilities[0].squeeze(-2) * targets).sum(-1).neg_()
        # All examples in one row, as a run gives them to a loss from a registry.
        K = self.z.shape[-1]
        rows = self.meaning.loss(self.z.reshape(-1, K), targets.expand_as(self.z).reshape(-1, K))
        return rows.reshape(self.z.shape[:-1])

    def right(self, labels: Tensor) -> Tensor:
        """Share of right answers of every example, given the labels (n,) or (n, K): (…, n)."""
        # Of classes the largest logit decides, whatever the probabilities are.
        return right_answers(self.z, labels, self.z if labels.dim() == 1 else self._probabilities)

    @cached_property
    def _probabilities(self) -> Tensor:
        """Of the labels, (…, n, K)."""
        return probabilities(self.meaning.spec, self.meaning.dataset, self.z)
