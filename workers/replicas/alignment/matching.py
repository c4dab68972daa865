"""Weight matching: the permutation of one network's units that brings its parameters closest to another's.

Axes: n units of a group.

With A the reference and B the other network, ‖A − π(B)‖² = ‖A‖² + ‖B‖² − 2⟨A, π(B)⟩. The inner product is linear in
each group's permutation while the others are held, Σ_i C[i, π(i)], where C[i, j] sums over the group's tensors the
inner products of A's slice i with B's slice j: a linear assignment. Coordinate descent solves it for one group after
the other until none changes. It ends in a local optimum that depends on the order, so it runs from several starts
(Ainsworth, Hayase and Srinivasa, Git Re-Basin, 2023, method 2).
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, nan, sqrt
from statistics import median

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from workers.errors import UserFault
from workers.replicas.alignment.permutations import Permutations, PermutationSpec, Place
from workers.streams import Stream, generator

ROUNDING = 1e-13
"""A gain below this share of the norms that it is made of is taken for rounding."""


@dataclass(frozen=True)
class Alignment:
    """The best of several local optima. Distances are L2 over all parameters together, in float64.

    Attributes:
        permutations: Of the other network; `permuted` applies them.
        distance: ‖A − π(B)‖, never above `naive_distance`; NaN if either network has numbers that are not finite.
        naive_distance: ‖A − B‖; NaN likewise.
        start_distances: ‖A − π(B)‖ reached from each start; the first starts at the identity.
    """

    permutations: Permutations
    distance: float
    naive_distance: float
    start_distances: tuple[float, ...]

    @property
    def spread(self) -> tuple[float, float, float]:
        """Least, median and largest distance over the starts."""
        return min(self.start_distances), median(self.start_distances), max(self.start_distances)

    @property
    def moved_units(self) -> float:
        """Share of all units of groups that do not keep their place; 0 without groups."""
        kept = [order == torch.arange(len(order)) for order in self.permutations.values()]
        return float((~torch.cat(kept)).double().mean()) if kept else 0.0


def match_weights(
    spec: PermutationSpec,
    reference: Mapping[str, Tensor],
    other: Mapping[str, Tensor],
    seed: int,
    starts: int = 5,
    pause: Callable[[], None] = lambda: None,
) -> Alignment:
    """Permute `other` towards `reference`. Four copies of the parameters are held in float64.

    Args:
        spec: Of their architecture.
        reference: Parameters A of one network.
        other: Parameters B of the other, on the same device.
        seed: Decides in which orders the groups are visited.
        starts: How many times the descent runs; the first from the identity, so that networks that are already
            close stay so, the others from permutations built up from inputs and logits.
        pause: Called after every change of a group; what it raises ends the work.

    Raises:
        UserFault: the networks have other names or shapes than each other.
    """
    _refuse_others(reference, other)
    A, B = ({name: tensor.double() for name, tensor in net.items()} for net in (reference, other))
    identity = {group: torch.arange(size) for group, size in spec.sizes.items()}
    if not all(isfinite(sum(float(tensor.square().sum()) for tensor in net.values())) for net in (A, B)):
        return Alignment(identity, nan, nan, (nan,) * starts)
    best, reached = Descent(spec, A, B), list[float]()
    naive = best.distance()
    for start in range(starts):
        descent = Descent(spec, A, B)
        for _ in descent.run(generator(seed, Stream.ALIGNMENT, start), built_up=start > 0):
            pause()
        reached.append(descent.distance())
        if reached[-1] < best.distance():
            best = descent
    return Alignment(best.permutations, best.distance(), naive, tuple(reached))


class Descent:
    """Coordinate descent on the permutations of B, from the identity.

    Attributes:
        permutations: Reached so far.
    """

    def __init__(self, spec: PermutationSpec, reference: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
        self.permutations = {group: torch.arange(size) for group, size in spec.sizes.items()}
        self._reference, self._moved = reference, dict(other)
        self._places = {
            group: tuple(place for place in places if place.tensor in reference)
            for group, places in spec.groups.items()
        }
        self._groups: dict[str, set[str]] = {name: set() for name in reference}
        for group, places in self._places.items():
            for place in places:
                self._groups[place.tensor].add(group)

    def distance(self) -> float:
        """‖A − π(B)‖, from the differences themselves: exactly 0 where the networks are equal."""
        squares = [float((A - self._moved[name]).square().sum()) for name, A in self._reference.items()]
        return sqrt(sum(squares))

    def run(self, random: np.random.Generator, built_up: bool) -> Iterator[float]:
        """Descend to a local optimum, group after group in random order; gives the gain in ⟨A, π(B)⟩ of each change.

        Args:
            random: Draws the orders.
            built_up: Whether to assign every group once beforehand, by those of its tensors alone whose other groups
                are assigned already or fixed. So permuted copies are found exactly, wherever no units are equal.
        """
        if built_up:
            self._build_up(random)
        groups = tuple(self._places)
        pending = set(groups)
        while pending:
            for number in random.permutation(len(groups)):
                group = groups[number]
                if group not in pending:
                    continue
                pending.discard(group)
                gain = self._assign(group, self._places[group])
                if gain > 0:
                    pending.update(*(self._groups[place.tensor] for place in self._places[group]))
                    pending.discard(group)
                    yield gain

    def _build_up(self, random: np.random.Generator) -> None:
        assigned = set[str]()
        while len(assigned) < len(self._places):
            informed = {
                group: [place for place in places if self._groups[place.tensor] <= assigned | {group}]
                for group, places in self._places.items()
                if group not in assigned
            }
            # Vectors such as biases always qualify, and say too little on their own.
            ready = [group for group in informed if any(self._reference[p.tensor].dim() > 1 for p in informed[group])]
            group = ready[random.integers(len(ready))]
            self._assign(group, informed[group])
            assigned.add(group)

    def _assign(self, group: str, places: Collection[Place]) -> float:
        """Reorder the group's units as is best for the tensors at `places`; gives the gain, 0 if they stay."""
        size = len(self.permutations[group])
        products, scale = torch.zeros(size, size, dtype=torch.float64), 0.0
        for name, axis in places:
            A, B = (net[name].movedim(axis, 0).reshape(size, -1) for net in (self._reference, self._moved))
            products += (A @ B.T).cpu()
            scale += float(A.norm() * B.norm())
        rows, columns = linear_sum_assignment(products.numpy(), maximize=True)
        order = torch.from_numpy(columns)
        gain = float(products[rows, columns].sum() - products.trace())
        if gain <= ROUNDING * scale:
            return 0.0
        self.permutations[group] = self.permutations[group][order]
        for name, axis in self._places[group]:
            self._moved[name] = self._moved[name].index_select(axis, order.to(self._moved[name].device))
        return gain


def _refuse_others(reference: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    first, second = ({name: tuple(tensor.shape) for name, tensor in net.items()} for net in (reference, other))
    if first != second:
        differing = sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
        raise UserFault(
            "alignment needs two networks of one architecture, these differ in name or shape at "
            f"{', '.join(differing[:5])}: align networks built from one model spec"
        )
