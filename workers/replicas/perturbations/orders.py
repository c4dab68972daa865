"""Other orders of the examples: epochs that a replica draws for itself.

One epoch is kept at a time, in 32 bits, so that many replicas of a long run fit into memory; steps are best asked for
one after the other.

Axes: B examples of a batch, n examples of the train split.
"""

from collections.abc import Callable
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from workers.replicas.perturbations.batches import Batches, Epochs

Draw = Callable[[int], np.random.Generator]
"""A replica's own generator of an epoch."""


class Reshuffled:
    """After step `after`, what is left of the epoch and each later epoch in another order.

    The examples of an epoch are those that `inner` has there, and batches keep their sizes.
    """

    def __init__(self, inner: Batches, after: int, epochs: Epochs, draw: Draw) -> None:
        self._inner = inner
        self._after = after
        self._epochs = epochs
        self._draw = draw
        self._epoch = -1

    def batch(self, step: int) -> Tensor:
        """The batch of a step, counted from 1: int64 (B,)."""
        if step <= self._after:
            return self._inner.batch(step)
        epoch, _ = self._epochs.place(step)
        if self._epoch != epoch:
            self._keep(epoch)
        place = step - self._first
        return self._examples[self._offsets[place] : self._offsets[place + 1]].long()

    def _keep(self, epoch: int) -> None:
        steps = [step for step in self._epochs.within(epoch) if step > self._after]
        batches = [self._inner.batch(step) for step in steps]
        examples = torch.cat(batches).int()
        order = torch.from_numpy(self._draw(epoch).permutation(len(examples)))
        self._examples = examples[order]
        self._offsets = [0, *accumulate(map(len, batches))]
        self._epoch, self._first = epoch, steps[0]


class Reseeded:
    """After step `after`, batches cut from orders of the whole split, one drawn for each epoch."""

    def __init__(self, inner: Batches, after: int, epochs: Epochs, draw: Draw) -> None:
        self._inner = inner
        self._after = after
        self._epochs = epochs
        self._draw = draw
        self._epoch = -1

    def batch(self, step: int) -> Tensor:
        """The batch of a step, counted from 1: int64 (B,)."""
        if step <= self._after:
            return self._inner.batch(step)
        epoch, place = self._epochs.place(step)
        if self._epoch != epoch:
            order = self._draw(epoch).permutation(self._epochs.train).astype(np.int32)
            self._epoch, self._order = epoch, torch.from_numpy(order)
        start = place * self._epochs.batch_size
        return self._order[start : start + self._epochs.batch_size].long()
