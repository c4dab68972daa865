"""Lots: the members that one call of a kernel takes, always the same number of them on one kind of device.

Axes: R members, L members of a lot, S columns, B examples of a batch, K outputs, n examples.

What a kernel rounds may depend on the shapes it is given and on where in them a member stands: batched products pick
another method for another count, and the last elements of a vectorised loop take another route. So kernels never see
R. On a CPU a lot is one member: batching members gains little there once a layer fills the caches, and grouped
convolutions lose by it. On a GPU a lot is `GPU_LOT` members, a short one filled up with copies that are thrown away.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, Self

import torch
from torch import Tensor

from schemas.optimizers import Rule
from workers.replicas.stack.rows import Columns
from workers.replicas.stack.rules import update_

GPU_LOT = 32


def lot_size(device: torch.device) -> int:
    """L on that device."""
    return 1 if device.type == "cpu" else GPU_LOT


@dataclass(frozen=True)
class Lot:
    """Where the members of a lot are.

    Attributes:
        rows: Their trainable parameters, (L, S).
        parameters: The same by name, (L, *shape), sharing memory with `rows`.
        kept: What no rule changes: buffers, and parameters that do not require gradients, (L, *shape).
    """

    rows: Tensor
    parameters: dict[str, Tensor]
    kept: dict[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """What the members of a lot see.

    Attributes:
        inputs: (L, B, *input_shape).
        targets: (L, B, K).
    """

    inputs: Tensor
    targets: Tensor

    @classmethod
    def shared(cls, inputs: Tensor, targets: Tensor, L: int) -> Self:
        """One batch for L members, (B, *input_shape) and (B, K), without copies."""
        return cls(inputs.expand(L, *inputs.shape), targets.expand(L, *targets.shape))

    @cached_property
    def flat(self) -> Tensor:
        """The inputs as vectors, (L, B, D)."""
        return self.inputs.flatten(2)

    @cached_property
    def across(self) -> Tensor:
        """The same with the examples last, (L, D, B)."""
        return self.flat.mT

    @cached_property
    def targets_across(self) -> Tensor:
        """The targets with the examples last, (L, K, B)."""
        return self.targets.mT.contiguous()


class Network(Protocol):
    """The members of a lot as functions; what they are is read from the lot at every call."""

    def gradients(self, batch: Batch, into: Tensor) -> Tensor:
        """Gradients of the batch mean losses in train mode; running statistics in the lot follow the batch.

        Args:
            batch: One for each of them.
            into: (L, S), overwritten; the columns between tensors are left alone.

        Returns:
            The batch mean losses, (L,).
        """
        ...

    def step(self, batch: Batch, rule: Rule, slots: dict[str, Tensor], taken: int) -> Tensor:
        """Take one optimizer step; the batch mean losses before it, (L,).

        Args:
            batch: One for each of them.
            rule: With the hyper-parameters of this step.
            slots: Rows of the rule's slots, (L, S), overwritten.
            taken: Steps that the slots have taken.
        """
        ...

    def logits(self, inputs: Tensor) -> Tensor:
        """(n, *input_shape) → (L, n, K), in eval mode."""
        ...


class Path(Protocol):
    """A way to compute the steps of a kind of model."""

    @property
    def name(self) -> str:
        """What the way is called; it decides bits."""
        ...

    def at(self, lot: Lot) -> Network:
        """The members of a lot."""
        ...


class Scratch:
    """Room for the gradient of a lot, used again at every step."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._rows: Tensor | None = None
        self._gaps: list[Tensor] = []

    def step(
        self,
        network: Network,
        lot: Lot,
        batch: Batch,
        rule: Rule,
        slots: dict[str, Tensor],
        taken: int,
    ) -> Tensor:
        """`Network.step` as a gradient and an update of whole rows."""
        if self._rows is None:
            self._rows = self._columns.zeros(len(lot.rows), lot.rows.device)
            self._gaps = self._columns.gaps(self._rows)
        losses = network.gradients(batch, self._rows)
        update_(rule, lot.rows, self._rows, slots, taken)
        # The rule has left numbers of its own in the gradient's memory, between the tensors too.
        if self._gaps:
            torch._foreach_zero_(self._gaps)
        return losses
