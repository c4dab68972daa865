"""Edits of the batch schedule, each a view of what it edits: batches are made when they are asked for.

Axes: B examples of a batch, n examples of the train split.
"""

from dataclasses import dataclass
from typing import assert_never

from torch import Tensor

from schemas.batch_edits import emptied, no_seat
from schemas.perturbations import DropExample, Edit, ReplaceExample, Reseed, Reshuffle, SwapExamples, SwapSteps
from workers.errors import UserFault
from workers.replicas.perturbations.batches import Batches, Epochs
from workers.replicas.perturbations.orders import Draw, Reseeded, Reshuffled


@dataclass(frozen=True)
class StepsSwapped:
    """Two steps exchange their batches."""

    inner: Batches
    edit: SwapSteps

    def batch(self, step: int) -> Tensor:
        """The other step's batch at either of the two."""
        exchanged = {self.edit.first: self.edit.second, self.edit.second: self.edit.first}
        return self.inner.batch(exchanged.get(step, step))


@dataclass(frozen=True)
class SeatsSwapped:
    """Two places exchange their examples.

    Raises:
        UserFault: there is no such place.
    """

    inner: Batches
    edit: SwapExamples

    def __post_init__(self) -> None:
        for seat in (self.edit.first, self.edit.second):
            if (why := no_seat(seat, len(self.inner.batch(seat.step)))) is not None:
                raise UserFault(why)

    def batch(self, step: int) -> Tensor:
        """The batch with the other place's example where this step is named."""
        batch = self.inner.batch(step)
        for here, there in ((self.edit.first, self.edit.second), (self.edit.second, self.edit.first)):
            if here.step == step:
                batch = batch.clone()
                batch[here.position] = self.inner.batch(there.step)[there.position]
        return batch


@dataclass(frozen=True)
class Without:
    """Batches go without an example, or have another one in its place.

    Raises:
        UserFault: the one batch that is named does not hold the example, or would be left with none.
    """

    inner: Batches
    edit: DropExample | ReplaceExample

    def __post_init__(self) -> None:
        if self.edit.step is not None:
            if not bool((self.inner.batch(self.edit.step) == self.edit.example).any()):
                raise UserFault(
                    f"{self.edit.kind} names example {self.edit.example:,}, which is not in the batch of step "
                    f"{self.edit.step}: name a step that has it, or none, which means wherever it occurs"
                )
            self.batch(self.edit.step)

    def batch(self, step: int) -> Tensor:
        """The batch after the edit.

        Raises:
            UserFault: it would be empty.
        """
        batch = self.inner.batch(step)
        if self.edit.step not in (None, step):
            return batch
        leaves = batch == self.edit.example
        if not bool(leaves.any()):
            return batch
        if isinstance(self.edit, ReplaceExample):
            return batch.masked_fill(leaves, self.edit.by)
        if bool(leaves.all()):
            raise UserFault(emptied(f"the batch of step {step}"))
        return batch[~leaves]


def edited(inner: Batches, edit: Edit, epochs: Epochs, draw: Draw) -> Batches:
    """The batches after one more edit.

    Args:
        inner: The batches before it.
        edit: What changes.
        epochs: Where the epochs of the run begin and end.
        draw: The replica's own generator of an epoch.

    Raises:
        UserFault: the batches do not hold what the edit names.
    """
    match edit:
        case SwapSteps():
            return StepsSwapped(inner, edit)
        case SwapExamples():
            return SeatsSwapped(inner, edit)
        case DropExample() | ReplaceExample():
            return Without(inner, edit)
        case Reshuffle():
            return Reshuffled(inner, edit.after, epochs, draw)
        case Reseed():
            return Reseeded(inner, edit.after, epochs, draw)
        case _:
            assert_never(edit)
