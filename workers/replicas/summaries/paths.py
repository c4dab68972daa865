"""What was found between replicas and the baseline at each checkpoint, put together.

Axes: n replicas of the job, m of one object, C checkpoints, A alignments: without, and with one if it was asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from torch import Tensor

from workers.errors import BlockFault
from workers.replicas.between import QUANTITIES, SPLITS, VALUES
from workers.replicas.distances.columns import Floats, Integers

JUDGED = (SPLITS.index("test"), QUANTITIES.index("error"), VALUES.index("max_minus_ends"))
"""Of a barrier: what decides whether two runs are linearly connected."""


@dataclass(frozen=True)
class Paths:
    """Of all replicas of a job, numbered from 0.

    Attributes:
        steps: Checkpoints, ascending, (C,).
        aligned_distances: (C, n); None without alignments.
        errors: Barriers (max − mean of ends) of the error on the test split, (C, A, n); None without barriers.
    """

    steps: Integers
    aligned_distances: Floats | None
    errors: Floats | None

    @classmethod
    def of(cls, objects: Sequence[tuple[str, Mapping[str, Tensor]]], count: int) -> Self:
        """Put objects `paths/<step>/<group>/<first>` of a job of `count` replicas together.

        Raises:
            BlockFault: they do not hold every replica once at every checkpoint.
        """
        by_step: dict[int, list[Mapping[str, Tensor]]] = {}
        for name, arrays in objects:
            by_step.setdefault(int(name.split("/")[1]), []).append(arrays)
        steps = sorted(by_step)
        parts = [by_step[step] for step in steps]
        for step, found in zip(steps, parts, strict=True):
            numbers = sorted(number for arrays in found for number in arrays["replicas"].tolist())
            if numbers != list(range(count)):
                raise BlockFault(
                    f"the paths of step {step} must hold each of {count} replicas once; came {numbers[:9]}"
                )
        first = parts[0][0]
        distances = errors = None
        if "aligned_distance" in first:
            distances = np.stack([_placed(found, "aligned_distance") for found in parts])
        if "barrier" in first:
            errors = np.stack([np.moveaxis(_placed(found, "barrier")[..., *JUDGED], 0, -1) for found in parts])
        return cls(np.array(steps), distances, errors)


def _placed(objects: Sequence[Mapping[str, Tensor]], name: str) -> Floats:
    """An array of several objects (m, …) at the places of their replicas, (n, …)."""
    numbers = np.concatenate([arrays["replicas"].numpy() for arrays in objects])
    values: Floats = np.concatenate([arrays[name].numpy() for arrays in objects])
    return values[np.argsort(numbers)]
