"""Distances in function space, from the logits of the measured examples.

Axes: R members, n examples, K outputs, b members of a block, q quantities.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workers.data.dataset import Split
from workers.replicas.distances.columns import Floats
from workers.replicas.distances.divergences import kl, root_js
from workers.replicas.distances.meaning import Meaning, Reading
from workers.training.evaluate import BATCH

Logits = Callable[[Tensor], Tensor]
"""Inputs (n, *input_shape) to the logits of every member, (R, n, K), in eval mode."""

LOGITS = 2**20
"""Most logits of one member that are looked at together; part of the bits of a mean."""
BLOCK = {"cpu": 2**15, "cuda": 2**23}
"""About how many logits are in float64 at a time, by device; of no effect on bits."""


@dataclass(frozen=True)
class Answers:
    """Means of every member over n examples, (R,) in float64; NaN where a member's logits are not all finite.

    Attributes:
        loss: Mean loss; of logits that are not finite whatever the loss makes of them.
        accuracy: Share of right answers.
        examples: n.
    """

    loss: Floats
    accuracy: Floats
    examples: int


@dataclass(frozen=True)
class OutputDistances:
    """Of every member to member 0 over n examples, (R,) in float64; NaN where logits of either are not finite.

    Attributes:
        counterfactual_loss: Mean loss against the labels that member 0 predicts.
        counterfactual_accuracy: Share of examples on which member 0's label is predicted; of independent labels, the
            share of labels.
        logit_distance: √ mean over examples of ‖z_i − z_0‖².
        logit_sup: Largest |z_i − z_0|.
        kl: Mean of KL(p_0 ‖ p_i) in nats, summed over independent choices; NaN if the loss does not say what p is.
        root_js: Mean of √JS(p_0, p_i), over examples and independent choices; NaN as `kl`.
    """

    counterfactual_loss: Floats
    counterfactual_accuracy: Floats
    logit_distance: Floats
    logit_sup: Floats
    kl: Floats
    root_js: Floats


def answers(meaning: Meaning, logits: Logits, split: Split) -> Answers:
    """How every member answers the n examples of a split."""

    def found(z: Tensor, labels: Tensor) -> Tensor:
        targets = meaning.targets(labels)
        return torch.cat([_answered(meaning.read(block), labels, targets) for block in _blocks(z)], 1)

    return _answers(_chunks(meaning, logits, split, found).sum(0), len(split))


def answers_and_distances(meaning: Meaning, logits: Logits, split: Split) -> tuple[Answers, OutputDistances]:
    """How every member answers the n examples of a split, and how far it is from member 0 on them."""

    def found(z: Tensor, labels: Tensor) -> Tensor:
        targets, baseline = meaning.targets(labels), meaning.read(z[0])
        predicted = meaning.targets(baseline.predicted)
        quantities = []
        for block in _blocks(z):
            reading = meaning.read(block)
            quantities.append(
                torch.cat([_compared(reading, baseline, predicted), _answered(reading, labels, targets)])
            )
        return torch.cat(quantities, 1)

    chunks = _chunks(meaning, logits, split, found)
    sup, totals = chunks[:, 0].max(0), chunks[:, 1:].sum(0)
    finite = totals[-1] == 0
    both = finite & finite[0]
    loss, right, squares, divergence, root = np.where(both, totals[:5] / len(split), np.nan)
    distances = OutputDistances(loss, right, np.sqrt(squares), np.where(both, sup, np.nan), divergence, root)
    return _answers(totals[5:], len(split)), distances


def _compared(reading: Reading, baseline: Reading, predicted: Tensor) -> Tensor:
    """The largest difference of logits, then sums over examples: (6, b).

    Args:
        reading: Of b members.
        baseline: Of member 0.
        predicted: Targets (n, K) made from what member 0 predicts.
    """
    difference = reading.z - baseline.z
    quantities = (
        reading.losses(predicted),
        reading.right(baseline.predicted),
        difference.square().sum(-1),
        *_divergences(baseline, reading),
    )
    return torch.stack([difference.abs_().amax((-2, -1)), *(values.sum(-1) for values in quantities)])


def _divergences(baseline: Reading, reading: Reading) -> tuple[Tensor, Tensor]:
    """KL summed over independent choices and √JS averaged over them, (b, n) each; NaN if the loss does not say p."""
    log_p, log_q = baseline.log_probabilities, reading.log_probabilities
    if log_p is None or log_q is None:
        nothing = reading.z.new_full(reading.z.shape[:-1], torch.nan)
        return nothing, nothing
    pairs = list(zip(log_p, log_q, strict=True))
    divergence = torch.cat([kl(p, q) for p, q in pairs], -1)
    root = torch.cat([root_js(p, q) for p, q in pairs], -1)
    return divergence.sum(-1), root.mean(-1)


def _answered(reading: Reading, labels: Tensor, targets: Tensor) -> Tensor:
    """Sums over examples of the loss, of right answers, and of examples whose logits are not finite: (3, b)."""
    strange = ~reading.z.sum(-1).isfinite()
    quantities = (reading.losses(targets), reading.right(labels), strange.double())
    return torch.stack([values.sum(-1) for values in quantities])


def _answers(totals: Floats, examples: int) -> Answers:
    """Means from the sums of `_answered`, (3, R)."""
    return Answers(totals[0] / examples, np.where(totals[2] == 0, totals[1] / examples, np.nan), examples)


def _chunks(meaning: Meaning, logits: Logits, split: Split, found: Callable[[Tensor, Tensor], Tensor]) -> Floats:
    """What is found, (q, R), on one part of the split after the other: (parts, q, R)."""
    examples = max(1, min(BATCH, LOGITS // len(meaning.dataset.label_names)))
    parts = (slice(start, start + examples) for start in range(0, len(split), examples))
    inputs, labels = split.inputs, split.labels
    cube = torch.stack([found(logits(inputs[part]), labels[part]) for part in parts])
    numbers: Floats = cube.cpu().numpy()
    return numbers


def _blocks(z: Tensor) -> tuple[Tensor, ...]:
    """The logits (R, n, K) of a few members at a time."""
    members = BLOCK.get(z.device.type, BLOCK["cuda"]) // z[0].numel()
    return torch.split(z, max(1, members))
