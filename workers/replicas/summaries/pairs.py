"""Correlations between checkpoints of all groups, put together.

Axes: n replicas of the job, m of one group, p pairs of checkpoints.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from torch import Tensor

from workers.errors import BlockFault
from workers.replicas.distances.columns import Floats

QUANTITIES = ("weights", "logits")


@dataclass(frozen=True)
class Pairs:
    """Of all replicas of a job, numbered from 0.

    Attributes:
        steps: The earlier and the later checkpoint of each pair.
        quantities: Correlations of weights and of logits, (p, n).
    """

    steps: list[tuple[int, int]]
    quantities: dict[str, Floats]

    @classmethod
    def of(cls, objects: Sequence[Mapping[str, Tensor]], count: int) -> Self:
        """Put objects `correlations/<group>` of a job of `count` replicas together.

        Raises:
            BlockFault: they do not hold every replica once.
        """
        numbers = np.concatenate([arrays["replicas"].numpy() for arrays in objects])
        order = np.argsort(numbers)
        if not np.array_equal(numbers[order], np.arange(count)):
            raise BlockFault(f"the correlations of a job must hold each of {count} replicas once")
        starts, steps = (objects[0][name].tolist() for name in ("start_steps", "steps"))
        return cls(
            list(zip(starts, steps, strict=True)),
            {
                name: np.concatenate([arrays[name].numpy() for arrays in objects], axis=1)[:, order]
                for name in QUANTITIES
            },
        )
