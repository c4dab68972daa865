"""From a module to its permutation spec.

The module is followed layer by layer, and with it the order of the units that flow through. A linear layer or a
convolution begins a group of new units; BatchNorm, pools and activations keep the one they are given. Where two flows
are summed, their groups become one: an identity shortcut ties a block's outputs to its inputs, and one with a
convolution of its own ties only the two summands. What meets inputs or logits is fixed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from torch import nn

from schemas.permutable import REMEDY
from workers.errors import UserFault
from workers.models.activations import MODULES
from workers.models.bag_of_embeddings import Bag
from workers.models.mxresnet import Residual
from workers.models.pools import GlobalAveragePool
from workers.replicas.alignment.permutations import PermutationSpec, Place

FIXED = 0
"""The group of units that keep their order."""
Layout = Literal["inputs", "maps", "features"]
"""Raw inputs of any shape, maps (N, units, h, w) or features (N, units)."""
NORM = ("weight", "bias", "running_mean", "running_var")
"""What a BatchNorm holds of each unit."""
ALL: tuple[Layout, ...] = ("inputs", "maps", "features")
TAKES: Mapping[type[nn.Module], tuple[Layout, ...]] = {
    nn.Sequential: ALL,
    nn.Flatten: ("inputs", "features"),
    nn.Linear: ("features",),
    nn.Conv2d: ("inputs", "maps"),
    nn.BatchNorm2d: ("maps",),
    nn.MaxPool2d: ("maps",),
    nn.AvgPool2d: ("maps",),
    GlobalAveragePool: ("maps",),
    Residual: ("maps",),
    Bag: ("inputs",),
    **{type(make()): ALL for make in MODULES.values()},
}
"""What the known layers can be given. Types are compared exactly, since a subclass may compute something else."""


@dataclass(frozen=True)
class _Flow:
    """What passes from layer to layer, and the group of its units."""

    group: int
    layout: Layout


def permutation_spec(model: nn.Module) -> PermutationSpec:
    """The groups of a perceptron, a convolutional or residual network or a bag of embeddings, buffers included.

    Raises:
        UserFault: a layer whose units have no known places, or a tensor that layers share.
    """
    walk = _Walk()
    walk.merge(walk.through(model, "", _Flow(FIXED, "inputs")).group, FIXED)
    shapes = {name: tensor.shape for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    gathered: dict[int, list[Place]] = {}
    for group, place in walk.places:
        if place.tensor not in shapes:  # PyTorch lists a shared tensor under its first name alone
            raise _without(f"{place.tensor!r}", "it is shared between layers")
        gathered.setdefault(walk.root(group), []).append(place)
    gathered.pop(FIXED, None)
    groups = {places[0].tensor.rpartition(".")[0]: tuple(places) for places in gathered.values()}
    sizes = {name: shapes[places[0].tensor][places[0].axis] for name, places in groups.items()}
    return PermutationSpec(groups, sizes)


class _Walk:
    """Places in the order in which they are met, with their groups; merged groups form trees (union–find)."""

    def __init__(self) -> None:
        self.places: list[tuple[int, Place]] = []
        self.parents = [FIXED]

    def root(self, group: int) -> int:
        """The group that this one has become part of."""
        while self.parents[group] != group:
            group = self.parents[group]
        return group

    def merge(self, first: int, second: int) -> None:
        """Make two groups one; what is merged with `FIXED` is fixed."""
        low, high = sorted((self.root(first), self.root(second)))
        self.parents[high] = low

    def through(self, module: nn.Module, name: str, flow: _Flow) -> _Flow:
        """What leaves the module when `flow` enters it.

        Raises:
            UserFault: nothing is known of such a module, or of what it does to such a flow.
        """
        kind = type(module)
        if flow.layout not in TAKES.get(kind, ()) or (isinstance(module, nn.Conv2d) and module.groups > 1):
            owner = f"the layer {name!r} ({kind.__name__})" if name else f"a {kind.__name__}"
            raise _without(owner, f"it is not known how its units follow from {flow.layout}")
        match module:
            case nn.Sequential():
                # By keys, since `named_children` passes over the second use of a layer.
                for child, layer in zip(module._modules, module, strict=True):
                    flow = self.through(layer, _join(name, child), flow)
                return flow
            case nn.Linear() | nn.Conv2d():
                self._tag(flow.group, name, 1, "weight")
                made = self._new()
                self._tag(made, name, 0, "weight", *(["bias"] if module.bias is not None else []))
                return _Flow(made, "maps" if isinstance(module, nn.Conv2d) else "features")
            case nn.BatchNorm2d():
                held = [tensor for tensor in NORM if getattr(module, tensor) is not None]
                self._tag(flow.group, name, 0, *held)
                return flow
            case nn.Flatten() | GlobalAveragePool():
                return replace(flow, layout="features")
            case Residual():
                branch = self.through(module.branch, _join(name, "branch"), flow)
                shortcut = self.through(module.shortcut, _join(name, "shortcut"), flow)
                self.merge(branch.group, shortcut.group)
                return branch
            case Bag():
                embedded = self._new()
                self._tag(embedded, _join(name, "embedding"), 1, "weight")
                return self.through(module.perceptron, _join(name, "perceptron"), _Flow(embedded, "features"))
            case _:  # pools and activations, which act on every unit alike
                return flow

    def _new(self) -> int:
        self.parents.append(len(self.parents))
        return self.parents[-1]

    def _tag(self, group: int, layer: str, axis: int, *tensors: str) -> None:
        self.places += [(group, Place(_join(layer, tensor), axis)) for tensor in tensors]


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _without(owner: str, reason: str) -> UserFault:
    return UserFault(f"alignment needs a permutation spec; {owner} has none: {reason}; {REMEDY}")
