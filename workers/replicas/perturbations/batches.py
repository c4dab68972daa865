"""What the steps of a run see, and how its steps fall into epochs.

Axes: B examples of a batch, n examples of the train split.
"""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Batches(Protocol):
    """What a run sees: `Schedule` is one, and so is every edit of one."""

    def batch(self, step: int) -> Tensor:
        """Numbers of the training examples of a step, counted from 1: int64 (B,)."""


@dataclass(frozen=True)
class Epochs:
    """Where the epochs of a run begin and end.

    Attributes:
        train: Examples n of the train split.
        batch_size: Examples of a batch; the last of an epoch holds what is left.
        steps: Steps of the run, which may end within an epoch.
    """

    train: int
    batch_size: int
    steps: int

    @property
    def length(self) -> int:
        """Steps of a whole epoch."""
        return -(-self.train // self.batch_size)

    def place(self, step: int) -> tuple[int, int]:
        """The epoch of a step, from 0, and its place there, from 0."""
        return divmod(step - 1, self.length)

    def within(self, epoch: int) -> range:
        """The steps of an epoch that the run has."""
        return range(epoch * self.length + 1, min((epoch + 1) * self.length, self.steps) + 1)
