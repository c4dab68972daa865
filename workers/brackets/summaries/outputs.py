"""How far each output moves under swaps, and which outputs stand out.

A logit may move far only because its probability is undecided, so that p(1 − p) is large and gradients are:
movement is compared per unit of p(1 − p) (mathematics.md, 3).

Axes: p pairs, T test examples, K outputs. Only sums leave a block, so that nobody gathers p·T·K numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from torch import Tensor

from schemas.data import CONTROL_LABELS
from schemas.losses import Loss
from workers.brackets.summaries.cooccurrence import Neighbours
from workers.data import Dataset
from workers.losses import probabilities

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

FLAGGED_FROM = 2.0
"""Multiple of the median output's movement from which on an output is flagged. Robust z-scores would flag nothing:
outputs differ by factors in how well they are learnt, so their spread is wide wherever there is something to see."""


@dataclass(frozen=True)
class OutputSums:
    """Sums of Δz = J_t [v_i, v_j] over some pairs and all test examples, each (K,) float64.

    Attributes:
        pairs: p.
        square_sum: Σ Δz².
        largest: max |Δz|.
        probability_square_sum: Σ (p(1 − p) Δz)², p the probability of the output at the checkpoint.
    """

    pairs: int
    square_sum: Floats
    largest: Floats
    probability_square_sum: Floats

    def __add__(self, other: Self) -> "OutputSums":
        return OutputSums(
            self.pairs + other.pairs,
            self.square_sum + other.square_sum,
            np.maximum(self.largest, other.largest),
            self.probability_square_sum + other.probability_square_sum,
        )


@dataclass(frozen=True)
class OutputFacts:
    """What does not depend on pairs, each (K,).

    Attributes:
        labels: Names.
        slack: Root mean square over test examples of p(1 − p): movement is normalised as it is averaged.
        label_rate: Share of the test examples that carry the label.
        train_rate: Share of the train split.
        neighbours: Labels met less and more often than by chance; None for class labels, which exclude each other.
        test_examples: T.
    """

    labels: Sequence[str]
    slack: Floats
    label_rate: Floats
    train_rate: Floats
    neighbours: Sequence[Neighbours] | None
    test_examples: int


def slack(loss: Loss, dataset: Dataset, logits: Tensor) -> Tensor:
    """p(1 − p) of logits (T, K) in float64: how much a probability moves per unit of its logit."""
    p = probabilities(loss, dataset, logits)
    return p * (1 - p)


def output_sums(moved: np.ndarray[Any, Any], slacks: Floats) -> OutputSums:
    """Sums over Δz (p, T, K), weighted by the slacks (T, K) where they are probabilities."""
    size = np.abs(moved.astype(np.float64))
    return OutputSums(
        pairs=len(size),
        square_sum=(size**2).sum((0, 1)),
        largest=size.max((0, 1), initial=0.0),
        probability_square_sum=((size * slacks) ** 2).sum((0, 1)),
    )


def output_multiples(normalised: Floats, controls: Flags) -> Floats:
    """Numbers over their median among the outputs that are not `controls` (K,): (K,) to (K,).

    NaN stays NaN and takes no part in the median; all NaN where that is 0 or there is none.
    """
    known = normalised[~controls & ~np.isnan(normalised)]
    middle = np.median(known) if len(known) else 0.0
    return normalised / middle if middle > 0 else np.full(len(normalised), np.nan)


def output_columns(step: int, sums: OutputSums, facts: OutputFacts) -> dict[str, Any]:
    """All columns of the `outputs` table (schemas.results.OUTPUTS)."""
    count, K = sums.pairs * facts.test_examples, len(facts.labels)
    logit_rms = np.sqrt(sums.square_sum / count)
    normalised = np.divide(logit_rms, facts.slack, out=np.full(K, np.nan), where=facts.slack > 0)
    controls = np.array([label in CONTROL_LABELS for label in facts.labels], dtype=np.bool_)
    multiples = output_multiples(normalised, controls)
    near = facts.neighbours or [Neighbours()] * K
    labels = (*facts.labels,)

    def name(place: int | None) -> str | None:
        return None if place is None else labels[place]

    return {
        "step": [step] * K,
        "output": list(range(K)),
        "label": list(labels),
        "logit_rms": logit_rms,
        "logit_max": sums.largest,
        "slack": facts.slack,
        "normalised_rms": _or_none(normalised),
        "probability_rms": np.sqrt(sums.probability_square_sum / count),
        "multiple": _or_none(multiples),
        "flagged": multiples >= FLAGGED_FROM,
        "label_rate": facts.label_rate,
        "train_rate": facts.train_rate,
        "rival": [name(n.rival) for n in near],
        "rival_lift": [n.rival_lift for n in near],
        "rival_expected": [n.rival_expected for n in near],
        "companion": [name(n.companion) for n in near],
        "companion_lift": [n.companion_lift for n in near],
    }


def _or_none(numbers: Floats) -> list[float | None]:
    return [None if np.isnan(number) else float(number) for number in numbers]
