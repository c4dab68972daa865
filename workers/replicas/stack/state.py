"""The state of R members: parameters, buffers, and the memory of their update rules.

Axes: R members, S columns, L members of a lot.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

import torch
from torch import Tensor, nn

from workers.errors import BlockFault
from workers.replicas.stack.lots import Lot
from workers.replicas.stack.rows import ALIGNMENT_BYTES, Columns

TAKEN = "steps_taken"


class State:
    """Tensors stacked over members; every one keeps its memory as long as the state lives.

    Attributes:
        columns: Of the trainable parameters.
        rows: The trainable parameters, (R, S).
        parameters: All parameters by name, in the model's order, (R, *shape).
        buffers: By name, (R, *shape).
        slots: Rows of each slot that a step has needed so far, (R, S).
        taken: Steps that the slots of each member have taken.
    """

    def __init__(self, model: nn.Module, R: int, device: torch.device) -> None:
        held: dict[str, Tensor] = dict(model.named_parameters())
        trainable = {name: tensor for name, tensor in held.items() if tensor.requires_grad}
        dtype = next(iter(trainable.values())).dtype
        self.columns = Columns.of(trainable, dtype)
        self.rows = self.columns.zeros(R, device)
        named = self.columns.views(self.rows)
        self.parameters = {name: named.get(name, _stacked(tensor, R, device)) for name, tensor in held.items()}
        self.buffers = {name: _stacked(tensor, R, device) for name, tensor in model.named_buffers()}
        for name in trainable:
            named[name].copy_(held[name].detach())
        self.slots: dict[str, Tensor] = {}
        self.taken = [0] * R

    @property
    def members(self) -> int:
        """R."""
        return len(self.rows)

    @property
    def kept(self) -> dict[str, Tensor]:
        """What no rule changes: buffers, and parameters that do not require gradients."""
        frozen = {name: tensor for name, tensor in self.parameters.items() if name not in self.columns.shapes}
        return frozen | self.buffers

    @property
    def bytes_per_member(self) -> int:
        """What one more member takes: parameters, buffers, and the slots that steps have needed so far."""
        kept = sum(-(-tensor[0].nbytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES for tensor in self.kept.values())
        return self.rows[0].nbytes * (1 + len(self.slots)) + kept

    def slot(self, key: str) -> Tensor:
        """The rows of a slot, (R, S): zeros when it was not needed before."""
        if key not in self.slots:
            self.slots[key] = torch.zeros_like(self.rows)
        return self.slots[key]

    def lot(self, members: range) -> Lot:
        """Members that stand one after the other, sharing memory with the state."""
        part = slice(members.start, members.stop)
        rows = self.rows[part]
        return Lot(rows, self.columns.views(rows), {name: tensor[part] for name, tensor in self.kept.items()})

    def copied(self, members: Sequence[int]) -> Lot:
        """A copy of any members, a member as often as it is listed."""
        at = torch.tensor(members, device=self.rows.device)
        rows = self.rows[at]
        return Lot(rows, self.columns.views(rows), {name: tensor[at] for name, tensor in self.kept.items()})

    def put(self, members: range, lot: Lot) -> None:
        """Write the first members of a copied lot back to where they were copied from."""
        part = slice(members.start, members.stop)
        self.rows[part] = lot.rows[: len(members)]
        for name, tensor in self.kept.items():
            tensor[part] = lot.kept[name][: len(members)]

    def tensors(self) -> dict[str, Tensor]:
        """The whole state by name, sharing its memory, but for the steps taken: (R, …) each.

        parameters/<name>, buffers/<name>, slots/<parameter>/<key>, and steps_taken (R,) int64.
        """
        named = {f"parameters/{name}": tensor for name, tensor in self.parameters.items()}
        named |= {f"buffers/{name}": tensor for name, tensor in self.buffers.items()}
        for key, rows in self.slots.items():
            named |= {f"slots/{name}/{key}": tensor for name, tensor in self.columns.views(rows).items()}
        return named | {TAKEN: torch.tensor(self.taken, dtype=torch.int64)}

    def arrays(self) -> dict[str, Tensor]:
        """A copy of the whole state on the CPU, under the names of `tensors`."""
        return {name: tensor.to("cpu", copy=True).contiguous() for name, tensor in self.tensors().items()}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take the state that `arrays` described; what is trained from it has the same bits.

        Raises:
            BlockFault: the arrays are those of another stack.
        """
        self.slots = {}
        for name in arrays:
            if name.startswith("slots/"):
                self.slot(name.rpartition("/")[2])
        wanted = self.tensors()
        differing = sorted(
            name
            for name in wanted.keys() | arrays.keys()
            if name not in wanted or name not in arrays or wanted[name].shape != arrays[name].shape
        )
        if differing:
            raise BlockFault(f"the checkpoint does not fit the stack: {differing[:5]} differ in name or shape")
        for name, target in wanted.items():
            target.copy_(arrays[name])
        self.taken = arrays[TAKEN].tolist()

    def digest(self, member: int) -> str:
        """SHA-256 over a member's whole state, in hexadecimal digits: names, types, shapes and bytes.

        A slot of zeros is left out: the same state has none, where no other member needed that slot.
        """
        found = sha256()
        for name, tensor in sorted(self.tensors().items()):
            own = tensor[member].detach().cpu().contiguous()
            if name.startswith("slots/") and not own.any():
                continue
            found.update(f"{name} {own.dtype} {tuple(own.shape)}\n".encode())
            found.update(own.reshape(-1).view(torch.uint8).numpy().tobytes())
        return found.hexdigest()


def _stacked(tensor: Tensor, R: int, device: torch.device) -> Tensor:
    """R copies of a tensor, (R, *shape), each at a multiple of 64 bytes as in `rows`."""
    columns = Columns.of({"": tensor}, tensor.dtype)
    stacked = columns.views(columns.zeros(R, device))[""]
    stacked.copy_(tensor.detach())
    return stacked
