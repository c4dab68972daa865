"""Which independent labels meet less, and which more often than by chance.

    lift(a, b) = P(a and b) / (P(a) P(b)),    expected(a, b) = N P(a) P(b)

The significance of a departure is (observed − expected) / √expected, its size in standard deviations of a Poisson
count; where neither count reaches 5 there is none: a rare pair that never meets by chance is not a rival.

Axes: N examples, K labels.
"""

from collections.abc import Iterator, Sequence
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


def neighbours(labels: Tensor, apart: Sequence[int] = ()) -> list[Neighbours]:
    """Rival and companion of every independent label (N, K), where more than ½ means that it is carried.

    Ties go to the label that comes first. Only LABELS × K counts are held at a time.

    Args:
        labels: The labels.
        apart: Labels made up as controls, often copies: neighbours of each other, never of the data's own labels.
    """
    return [found for block in _departures(labels, apart) for found in block]


def _departures(labels: Tensor, apart: Sequence[int]) -> Iterator[list[Neighbours]]:
    single = _counts(labels)
    N, K = labels.shape
    own = torch.ones(K, dtype=torch.bool, device=labels.device)
    own[list(apart)] = False
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
        score[own[start:stop, None] & ~own] = 0
        lift = torch.where(expected > 0, both / expected, 0.0)
        yield _read(score, lift, expected)


def _read(score: Tensor, lift: Tensor, expected: Tensor) -> list[Neighbours]:
    """The extremes of each row."""
    low, high = score.min(1), score.max(1)
    rows = torch.arange(len(score), device=score.device)
    columns = (
        low.values,
        low.indices,
        lift[rows, low.indices],
        expected[rows, low.indices],
        high.values,
        high.indices,
        lift[rows, high.indices],
    )
    found = []
    for least, rival, rival_lift, chance, most, companion, companion_lift in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        below = {"rival": rival, "rival_lift": rival_lift, "rival_expected": chance} if least < 0 else {}
        above = {"companion": companion, "companion_lift": companion_lift} if most > 0 else {}
        found.append(Neighbours(**below, **above))
    return found


def _counts(labels: Tensor) -> Tensor:
    """Examples that carry each label, (K,)."""
    return torch.stack([(part > 0.5).sum(0) for part in torch.split(labels, ROWS)]).sum(0).double()
