"""Mean loss and accuracy of a model over a split."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workers.data.dataset import Split
from workers.determinism import forked_generators
from workers.losses import ExampleLoss, right_answers

BATCH = 1024


@dataclass(frozen=True)
class Evaluation:
    """Means over the N examples of a split."""

    loss: float
    accuracy: float


def evaluate(
    model: nn.Module, loss: ExampleLoss, split: Split, targets: Tensor, meaning: Callable[[Tensor], Tensor]
) -> Evaluation:
    """Mean loss and accuracy in eval mode, summed in float64; the model's mode and the generators are left alone.

    Args:
        model: Maps inputs to logits (n, K).
        loss: Of single examples.
        split: N examples.
        targets: Of the loss, (N, K).
        meaning: Maps logits to the probabilities of labels.
    """
    training = model.training
    model.eval()
    losses = torch.zeros((), dtype=torch.float64, device=targets.device)
    right = torch.zeros_like(losses)
    with torch.no_grad(), forked_generators(targets.device):
        for start in range(0, len(split), BATCH):
            part = slice(start, start + BATCH)
            logits = model(split.inputs[part])
            losses += loss(logits, targets[part]).double().sum()
            right += right_answers(logits, split.labels[part], meaning(logits)).sum()
    model.train(training)
    return Evaluation(float(losses) / len(split), float(right) / len(split))
