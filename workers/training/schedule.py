"""The batch schedule: which examples every step sees, as explicit data."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from workers.errors import BlockFault
from workers.streams import Stream, generator

Integers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Schedule:
    """Step s (from 1) sees examples `indices[offsets[s − 1] : offsets[s]]`.

    Attributes:
        indices: (total,) int64 example numbers of all steps, one after the other.
        offsets: (steps + 1,) int64, from 0 to total.
    """

    indices: Tensor
    offsets: Tensor

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.offsets) - 1

    def batch(self, step: int) -> Tensor:
        """Example numbers of a step, counted from 1."""
        start, stop = self.offsets[step - 1 : step + 1].tolist()
        return self.indices[start:stop]

    def arrays(self) -> dict[str, Tensor]:
        """The schedule as named tensors."""
        return {"indices": self.indices, "offsets": self.offsets}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Tensor]) -> Self:
        """The schedule that `arrays()` described.

        Raises:
            BlockFault: an array is missing.
        """
        if not {"indices", "offsets"} <= arrays.keys():
            raise BlockFault(f"a schedule holds indices and offsets, came {sorted(arrays)}")
        return cls(arrays["indices"], arrays["offsets"])


def batch_schedule(seed: int, n: int, batch_size: int, steps: int) -> Schedule:
    """Epoch after epoch, a fresh permutation of the n examples cut into batches; the last of an epoch may be short.

    A pure function of its arguments (and NumPy's `permutation`), drawn from the seed's own Philox stream, so that a
    longer schedule begins with the shorter one.
    """
    epoch_offsets = np.minimum(np.arange(batch_size, n + batch_size, batch_size, dtype=np.int64), n)
    per_epoch = len(epoch_offsets)
    epochs = -(-steps // per_epoch)
    draw = generator(seed, Stream.SCHEDULE)
    permutations: list[Integers] = [draw.permutation(n).astype(np.int64) for _ in range(epochs)]
    ends = (np.arange(epochs, dtype=np.int64)[:, None] * n + epoch_offsets[None, :]).reshape(-1)[:steps]
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), ends])
    indices = np.concatenate([np.zeros(0, dtype=np.int64), *permutations])[: offsets[-1]]
    return Schedule(torch.from_numpy(indices), torch.from_numpy(offsets))
