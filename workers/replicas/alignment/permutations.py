"""Permutations of hidden units, and the tensors they act on.

Axes: n units of a group.

The units of a hidden layer can be renumbered at will: the network computes the same function, if every tensor with an
axis over these units, the layer's own and the next one's, is renumbered alike. Such axes form a *group*.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

Permutations = Mapping[str, Tensor]
"""By group, an order (n,) int64 of its units: place i is taken by the unit order[i]."""


class Place(NamedTuple):
    """An axis of a parameter or a buffer."""

    tensor: str
    axis: int


@dataclass(frozen=True)
class PermutationSpec:
    """Which axes share a permutation. An axis in no group, such as one of inputs or of logits, stays as it is.

    Attributes:
        groups: By the name of the first layer that makes its units, the places of a group; no tensor is in it twice.
        sizes: n of each group.
    """

    groups: Mapping[str, tuple[Place, ...]]
    sizes: Mapping[str, int]


def permuted(spec: PermutationSpec, tensors: Mapping[str, Tensor], permutations: Permutations) -> dict[str, Tensor]:
    """The same function with its units renumbered; tensors without units of a group are passed on, not copied.

    Args:
        spec: Of the architecture.
        tensors: Parameters or buffers of one network, or any part of them.
        permutations: An order for every group.
    """
    moved = dict(tensors)
    for group, places in spec.groups.items():
        for name, axis in places:
            if name in moved:
                moved[name] = moved[name].index_select(axis, permutations[group].to(moved[name].device))
    return moved
