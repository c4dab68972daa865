"""R members trained together.

Axes: R members, m members of a part, L members of a lot, B examples of a batch, K outputs, n examples.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from schemas.optimizers import Rule
from workers.data.dataset import Dataset
from workers.data.pixels import Pixels
from workers.errors import UserFault
from workers.replicas.stack.lots import Batch, Network, Path
from workers.replicas.stack.parts import Part, check_cover
from workers.replicas.stack.rules import slot_names
from workers.replicas.stack.state import State
from workers.training.evaluate import BATCH


class Stack:
    """R networks of one architecture, their buffers and their optimizers' memory; `step` changes them in place.

    No bit of a member depends on R, on its place, on the other members, on how the members are cut into parts, or on
    whether its batch is shared: only on its start, its batches and its hyper-parameters. On a CPU this follows from
    how members are computed, one at a time; on a GPU it is up to the kernels (see `lots`).

    Attributes:
        path: Name of the way by which steps are computed, a function of the model's kind alone; it decides bits.
        parameters: By name in the model's order, (R, *shape). They may be written to; their memory never moves.
        buffers: Such as BatchNorm's running statistics, by name, (R, *shape); likewise.
    """

    def __init__(self, state: State, path: Path, dataset: Dataset, targets: Tensor, lot: int) -> None:
        self._state, self._path, self._dataset, self._targets = state, path, dataset, targets
        self._device, self._lot = targets.device, lot
        self._networks: dict[int, Network] = {}
        self._covered: list[tuple[int, ...]] = []
        self.path = path.name
        self.parameters, self.buffers = state.parameters, state.buffers

    def __len__(self) -> int:
        return self._state.members

    @property
    def trainable(self) -> tuple[str, ...]:
        """Names of the parameters that steps change, in the model's order."""
        return tuple(self._state.columns.shapes)

    @property
    def slots(self) -> dict[str, dict[str, Tensor]]:
        """The optimizers' memory by parameter and PyTorch's key, (R, *shape), as far as steps have needed it."""
        views = {key: self._state.columns.views(rows) for key, rows in self._state.slots.items()}
        return {name: {key: views[key][name] for key in views} for name in self.trainable}

    @property
    def steps_taken(self) -> tuple[int, ...]:
        """Steps that the slots of each member have taken: Adam's count; 0 before SGD's first step with momentum."""
        return tuple(self._state.taken)

    @property
    def bytes_per_member(self) -> int:
        """What one more member takes: parameters, buffers, and the slots that steps have needed so far.

        With b bytes a number, every tensor of n numbers takes b n rounded up to a multiple of 64; parameters take
        that once and once more for each slot, buffers and parameters that do not require gradients once. Gradients
        and activations are those of a single lot, whatever R is.
        """
        return self._state.bytes_per_member

    def step(self, number: int, parts: Sequence[Part]) -> Tensor:
        """Take one optimizer step with every member.

        A member whose numbers are no longer finite goes on, and disturbs nobody.

        Args:
            number: Of the step, for messages.
            parts: Who takes which step.

        Returns:
            The mean losses of the members' batches before the step, (R,) float64.

        Raises:
            UserFault: the model cannot take so small a batch in train mode.
            BlockFault: the parts do not hold every member once.
        """
        self._check(parts)
        losses: dict[int, Tensor] = {}
        fewest = min(part.examples.shape[-1] for part in parts)
        with _too_few(f"the {fewest} examples of step {number}", "change batch_size"):
            for part in parts:
                self._step(part, losses)
        return torch.cat([found for _, found in sorted(losses.items())]).double()

    def gradient(self, member: int, examples: Tensor) -> dict[str, Tensor]:
        """Gradient of the mean loss of a batch in train mode, by parameter name; nothing is changed.

        Args:
            member: Whose.
            examples: Numbers of training examples, (B,) int64.

        Raises:
            UserFault: the model cannot take so small a batch in train mode.
        """
        lot = self._state.copied([member] * self._lot)
        found = torch.zeros_like(lot.rows)
        with _too_few(f"the {len(examples)} examples of a gradient", "take more of them"):
            self._path.at(lot).gradients(Batch.shared(*self._batch(examples), self._lot), found)
        return {name: tensor[0].clone() for name, tensor in self._state.columns.views(found).items()}

    def logits(self, inputs: Tensor | Pixels) -> Tensor:
        """Logits of all members in eval mode, (n, *input_shape) → (R, n, K), in chunks of examples."""
        R = len(self)
        found = []
        for start in range(0, R, self._lot):
            members = range(start, min(start + self._lot, R))
            network = self._network(members)
            chunks = [network.logits(inputs[first : first + BATCH]) for first in range(0, len(inputs), BATCH)]
            found.append(torch.cat(chunks, dim=1)[: len(members)])
        return torch.cat(found)

    def arrays(self) -> dict[str, Tensor]:
        """A copy of the whole state on the CPU, from which training goes on bitwise.

        parameters/<name>, buffers/<name>, slots/<parameter>/<key>: (R, *shape); steps_taken: (R,) int64.
        """
        return self._state.arrays()

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take the state that `arrays()` described.

        Raises:
            BlockFault: the arrays are those of another stack.
        """
        self._state.restore(arrays)

    def digest(self, member: int) -> str:
        """SHA-256 over a member's whole state: parameters, buffers, slots and steps taken."""
        return self._state.digest(member)

    def _check(self, parts: Sequence[Part]) -> None:
        members = [part.members for part in parts]
        if members != self._covered:  # the cut rarely changes from one step to the next
            check_cover(parts, len(self))
            self._covered = members

    def _step(self, part: Part, losses: dict[int, Tensor]) -> None:
        shared = Batch.shared(*self._batch(part.examples), self._lot) if part.shared else None
        for places, members in self._lots(part.members):
            batch = shared or Batch(*self._batch(part.examples[self._filled(places)]))
            losses[members.start] = self._advance(members, batch, part.optimizer)

    def _advance(self, members: range, batch: Batch, rule: Rule) -> Tensor:
        """Step the members of a lot, whose slots have taken as many steps; their losses before it."""
        state, part = self._state, slice(members.start, members.stop)
        slots = {key: state.slot(key) for key in slot_names(rule)}
        taken = state.taken[members.start]
        if slots:
            state.taken[part] = [taken + 1] * len(members)
        if len(members) == self._lot:
            own = {key: rows[part] for key, rows in slots.items()}
            return self._network(members).step(batch, rule, own, taken)
        filled = self._filled(members)
        lot, copies = state.copied(filled), {key: rows[filled] for key, rows in slots.items()}
        losses = self._path.at(lot).step(batch, rule, copies, taken)
        state.put(members, lot)
        for key, rows in slots.items():
            rows[part] = copies[key][: len(members)]
        return losses[: len(members)]

    def _lots(self, members: Sequence[int]) -> Iterator[tuple[range, range]]:
        """Places and numbers of a part's members, lot by lot: one after the other, with as many steps taken."""
        taken, start = self._state.taken, 0
        for place in range(1, len(members) + 1):
            if (
                place == len(members)
                or place - start == self._lot
                or members[place] != members[place - 1] + 1
                or taken[members[place]] != taken[members[start]]
            ):
                yield range(start, place), range(members[start], members[place - 1] + 1)
                start = place

    def _filled(self, members: range) -> list[int]:
        """A lot of these members, the last of them repeated."""
        return [*members, *[members[-1]] * (self._lot - len(members))]

    def _network(self, members: range) -> Network:
        """The members of a full lot at their place, or a copy of a short one, filled up."""
        if len(members) < self._lot:
            return self._path.at(self._state.copied(self._filled(members)))
        if members.start not in self._networks:
            self._networks[members.start] = self._path.at(self._state.lot(members))
        return self._networks[members.start]

    def _batch(self, examples: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs (…, B, *input_shape) and targets (…, B, K) of examples (…, B)."""
        chosen, inputs = examples.to(self._device), self._dataset.train.inputs
        if chosen.dim() == 1 and isinstance(inputs, Tensor):  # several times as fast as indexing
            return inputs.index_select(0, chosen), self._targets.index_select(0, chosen)
        return inputs[chosen], self._targets[chosen]


@contextmanager
def _too_few(batch: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # BatchNorm in train mode refuses one value per channel
        raise UserFault(f"the model cannot take {batch}: {error}; {remedy}") from error
