"""Which independent labels meet less, and which more often than by chance.

    lift(a, b) = P(a and b) / (P(a) P(b)),    expected(a, b) = N P(a) P(b)

The significance of a departure is (observed − expected) / √expected, its size in standard deviations of a Poisson
count; where neither count reaches 5 there is none: a rare pair that never meets by chance is not a rival.

Axes: N examples, K labels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

ROWS = 2**16
"""Examples counted at a time: float32 counts them exactly."""
FEWEST = 5
"""Larger of both counts below which no departure is significant."""
LABELS = 512
"""Labels counted against all others at a time."""


@dataclass(frozen=True)
class Neighbours:
    """The labels that stand out beside one label; None where no label departs from chance in that direction.

    Attributes:
        rival: The label with the most significant shortfall.
        rival_lift: Its lift: 0 if they never meet.
        rival_expected: Examples that would carry both by chance.
        companion: The label with the most significant excess.
        companion_lift: Its lift.
    """

    rival: int | None = None
    rival_lift: float | None = None
    rival_expected: float | None = None
    companion: int | None = None
    companion_lift: float | None = None


def label_rates(labels: Tensor, K: int) -> Tensor:
    """Share of the examples that carry each label, float64 (K,): of classes (N,), or of independent labels (N, K)."""
    if labels.dim() == 1:
        return torch.bincount(labels, minlength=K).double() / len(labels)
    return _counts(labels) / len(labels)


def neighbours(labels: Tensor) -> list[Neighbours]:
    """Rival and companion of every independent label (N, K), where more than ½ means that it is carried.

    Ties go to the label that comes first. Only LABELS × K counts are held at a time.
    """
    return [found for block in _departures(labels) for found in block]


def _departures(labels: Tensor) -> Iterator[list[Neighbours]]:
    single = _counts(labels)
    N, K = labels.shape
    for start in range(0, K, LABELS):
        stop = min(start + LABELS, K)
        both = torch.zeros(stop - start, K, dtype=torch.float64, device=labels.device)
        for part in torch.split(labels, ROWS):
            carried = (part > 0.5).float()
            both += (carried[:, start:stop].T @ carried).double()
        expected = single[start:stop, None] * single / N
        enough = torch.maximum(both, expected) >= FEWEST
        score = torch.where(enough, (both - expected) / expected.sqrt(), 0.0)
        score[torch.arange(stop - start), torch.arange(start, stop)] = 0
        lift = torch.where(expected > 0, both / expected, 0.0)
        yield [_read(*row) for row in zip(score.cpu(), lift.cpu(), expected.cpu(), strict=True)]


def _read(score: Tensor, lift: Tensor, expected: Tensor) -> Neighbours:
    below, above = int(score.argmin()), int(score.argmax())
    rival = score[below] < 0
    companion = score[above] > 0
    return Neighbours(
        rival=below if rival else None,
        rival_lift=float(lift[below]) if rival else None,
        rival_expected=float(expected[below]) if rival else None,
        companion=above if companion else None,
        companion_lift=float(lift[above]) if companion else None,
    )


def _counts(labels: Tensor) -> Tensor:
    """Examples that carry each label, (K,)."""
    return torch.stack([(part > 0.5).sum(0) for part in torch.split(labels, ROWS)]).sum(0).double()
