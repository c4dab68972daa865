"""The looks of all groups and segments of a job, put together.

Axes: L looks, n replicas of the job, m of one group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Self

import numpy as np
from torch import Tensor

from workers.errors import BlockFault
from workers.replicas.distances.columns import Floats, Integers
from workers.replicas.record import PER_REPLICA

NOT_METRICS = frozenset({"steps", "replicas", "baseline_digest", "twin_digest", *PER_REPLICA})


@dataclass(frozen=True)
class Segment:
    """What one segment of a group stored, and where it belongs."""

    group: int
    start: int
    arrays: Mapping[str, Tensor]

    @classmethod
    def named(cls, name: str, arrays: Mapping[str, Tensor]) -> Self:
        """Of an object `looks/<group>/<start>`."""
        _, group, start = name.split("/")
        return cls(int(group), int(start), arrays)


@dataclass(frozen=True)
class Twin:
    """The unperturbed copy of the baseline in one group.

    Attributes:
        group: Its group.
        distance: To the baseline at every look, (L,).
        diverged_step: First look at which it was not finite; −1 for none.
        digests: Of the baseline's whole state at the end of every segment, in their order.
        twin_digests: Of the twin's.
    """

    group: int
    distance: Floats
    diverged_step: int
    digests: tuple[bytes, ...]
    twin_digests: tuple[bytes, ...]

    @property
    def held(self) -> bool:
        """Whether it is the baseline bit by bit: at distance exactly 0 at every look, with its state's digests."""
        return bool((self.distance == 0).all()) and self.digests == self.twin_digests


@dataclass(frozen=True)
class Looks:
    """All that was measured of the replicas of a job, numbered from 0.

    Attributes:
        steps: Steps looked at, ascending, (L,).
        metrics: Columns of `replica_metrics`, (L, n); NaN from the look on at which a replica was not finite.
        groups: Group of each replica, (n,).
        first_moves: Distance just after the first move of a replica's parameters, (n,); NaN without one.
        diverged_steps: First look at which a replica was not finite, (n,); −1 for none.
        twins: One of every group.
    """

    steps: Integers
    metrics: dict[str, Floats]
    groups: Integers
    first_moves: Floats
    diverged_steps: Integers
    twins: tuple[Twin, ...]

    @classmethod
    def of(cls, segments: Sequence[Segment], count: int) -> Self:
        """Put the segments of a job of `count` replicas together.

        Raises:
            BlockFault: groups were looked at at different steps, or do not hold every replica once.
        """
        ordered = sorted(segments, key=lambda segment: (segment.group, segment.start))
        parts = [_group(list(own)) for _, own in groupby(ordered, key=lambda segment: segment.group)]
        steps = parts[0].steps
        if any(not np.array_equal(part.steps, steps) for part in parts):
            raise BlockFault("the groups of a job must be looked at at the same steps")
        numbers = np.concatenate([part.replicas for part in parts])
        order = np.argsort(numbers)
        if not np.array_equal(numbers[order], np.arange(count)):
            raise BlockFault(
                f"the groups of a job must hold each of {count} replicas once; came {numbers[order][:9]}"
            )
        diverged = np.concatenate([part.diverged_steps for part in parts])[order]
        gone = (diverged >= 0) & (steps[:, None] >= diverged)
        metrics = {
            name: np.where(gone, np.nan, np.concatenate([part.metrics[name] for part in parts], axis=1)[:, order])
            for name in parts[0].metrics
        }
        return cls(
            steps=steps,
            metrics=metrics,
            groups=np.concatenate([np.full(len(part.replicas), part.twin.group) for part in parts])[order],
            first_moves=np.concatenate([part.first_moves for part in parts])[order],
            diverged_steps=diverged,
            twins=tuple(part.twin for part in parts),
        )

    @property
    def floors_held(self) -> dict[int, bool]:
        """Of each group: whether its twin is its baseline, and its baseline that of every other group."""
        one_baseline = len({twin.digests for twin in self.twins}) == 1
        return {twin.group: one_baseline and twin.held for twin in self.twins}


@dataclass(frozen=True)
class _Group:
    """The same of one group, its m replicas in their order; without the twin."""

    replicas: Integers
    steps: Integers
    metrics: dict[str, Floats]
    first_moves: Floats
    diverged_steps: Integers
    twin: Twin


def _group(segments: Sequence[Segment]) -> _Group:
    """Of the segments of a group, by their start; each holds the twin first."""
    looked = [segment.arrays for segment in segments if len(segment.arrays["steps"])]
    names = sorted(looked[0].keys() - NOT_METRICS)
    metrics = {name: np.concatenate([arrays[name].numpy() for arrays in looked]) for name in names}
    last = segments[-1].arrays
    digests = {
        whose: tuple(segment.arrays[f"{whose}_digest"].numpy().tobytes() for segment in segments)
        for whose in ("baseline", "twin")
    }
    return _Group(
        replicas=last["replicas"].numpy()[1:],
        steps=np.concatenate([arrays["steps"].numpy() for arrays in looked]),
        metrics={name: values[:, 1:] for name, values in metrics.items()},
        first_moves=last["first_moves"].numpy()[1:],
        diverged_steps=last["diverged_steps"].numpy()[1:],
        twin=Twin(
            group=segments[0].group,
            distance=metrics["distance"][:, 0],
            diverged_step=int(last["diverged_steps"][0]),
            digests=digests["baseline"],
            twin_digests=digests["twin"],
        ),
    )
