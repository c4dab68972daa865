"""What later looks refer back to: where a run started, and what has become of its members.

Axes: R members, n parameter tensors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from workers.replicas.distances.columns import Flags, Floats, Integers
from workers.replicas.distances.parameters import parameter_distances

_NEVER = -1


@dataclass(frozen=True)
class Landmarks:
    """Small, and stored with the state of a stack, so that a resumed run reports the same numbers.

    Attributes:
        start_norms: ‖w_0‖ of each tensor at step 0, (n,).
        first_moves: ‖w_i − w_0‖ just after the first move of a member's parameters, (R,); NaN before it.
        diverged_steps: First look at which a member's loss or parameters were not finite, (R,) int64; −1 for none.
    """

    start_norms: Floats
    first_moves: Floats
    diverged_steps: Integers

    @classmethod
    def at_start(cls, parameters: Mapping[str, Tensor]) -> Self:
        """Of stacked parameters (R, *shape) at step 0, before any move."""
        distances = parameter_distances(parameters)
        R = len(distances.norm)
        return cls(np.sqrt(distances.norm_squares[0]), np.full(R, np.nan), np.full(R, _NEVER, dtype=np.int64))

    @property
    def start_norm(self) -> float:
        """‖w_0‖ over all parameters at step 0."""
        return float(np.sqrt(np.square(self.start_norms).sum()))

    def moved(self, parameters: Mapping[str, Tensor], members: Sequence[int]) -> Self:
        """After parameters of these members were moved: their distance is kept if it was their first move."""
        first = [member for member in members if np.isnan(self.first_moves[member])]
        if not first:
            return self
        moves = self.first_moves.copy()
        moves[first] = parameter_distances(parameters).distance[first]
        return replace(self, first_moves=moves)

    def looked(self, step: int, finite: Flags) -> Self:
        """After a look at which these members were finite, (R,)."""
        fresh = ~finite & (self.diverged_steps == _NEVER)
        return replace(self, diverged_steps=np.where(fresh, step, self.diverged_steps)) if fresh.any() else self

    def arrays(self) -> dict[str, Tensor]:
        """Named tensors: landmarks/start_norms, landmarks/first_moves, landmarks/diverged_steps."""
        return {f"landmarks/{name}": torch.from_numpy(getattr(self, name)) for name in _NAMES}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Tensor]) -> Self:
        """What `arrays` described."""
        return cls(**{name: arrays[f"landmarks/{name}"].numpy() for name in _NAMES})


_NAMES = ("start_norms", "first_moves", "diverged_steps")
