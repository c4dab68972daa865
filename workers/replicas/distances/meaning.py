"""How the logits of a job are read: losses, answers and probabilities, in float64.

Axes: b members, n examples, K outputs, C independent choices, O outcomes of each.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from schemas.losses import Loss
from workers.data.dataset import Dataset
from workers.losses import ExampleLoss, example_loss, log_probabilities, loss_targets, probabilities, right_answers


@dataclass(frozen=True)
class Meaning:
    """How the logits of a job are read."""

    spec: Loss
    dataset: Dataset
    loss: ExampleLoss

    @classmethod
    def of(cls, spec: Loss, dataset: Dataset) -> Self:
        """What a loss says of logits, for the labels of a dataset.

        Raises:
            UserFault: the loss names labels that are not there, is not installed, or couples examples.
        """
        return cls(spec, dataset, example_loss(spec, dataset.label_names))

    def targets(self, labels: Tensor) -> Tensor:
        """Targets of the loss in float64, (n, K)."""
        return loss_targets(self.spec, labels, self.dataset.label_names, torch.float64)

    def losses(self, z: Tensor, targets: Tensor) -> Tensor:
        """Loss of every member and example, (b, n), from logits (b, n, K); examples in a row, as a run gives them."""
        rows = self.loss(z.flatten(0, 1), targets.expand_as(z).flatten(0, 1))
        return rows.reshape(z.shape[:2])

    def right(self, z: Tensor, labels: Tensor) -> Tensor:
        """Share of right answers of every member and example, (b, n)."""
        # Of class labels the largest logit decides, whatever the probabilities are.
        return right_answers(z, labels, z if labels.dim() == 1 else probabilities(self.spec, self.dataset, z))

    def predicted(self, z: Tensor) -> Tensor:
        """Labels that logits (n, K) predict: classes (n,), or of independent labels those above one half, (n, K)."""
        if self.dataset.independent:
            return (probabilities(self.spec, self.dataset, z) > 0.5).double()
        return z.argmax(-1)

    def log_probabilities(self, z: Tensor) -> tuple[Tensor, ...] | None:
        """Logarithms of the probabilities of outcomes; None if the loss does not say."""
        return log_probabilities(self.spec, self.dataset.label_names, z)
