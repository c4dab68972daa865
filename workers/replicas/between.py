"""What lies between two members of a group: their distance up to permutations, and the straight path between them.

Axes: R members of a group.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Self

import torch
from torch import Tensor, nn

from schemas.replicas import Alignment as AlignmentSpec
from schemas.replicas import Barriers, Replicas
from workers.data.dataset import Dataset, Split
from workers.data.pixels import Pixels
from workers.losses import example_loss, loss_targets, probabilities
from workers.models import initialised
from workers.precision import torch_dtype
from workers.replicas.alignment import (
    Alignment,
    PermutationSpec,
    match_weights,
    permutation_spec,
    permuted,
)
from workers.replicas.barriers import Barrier, Judge, State, straight_paths
from workers.replicas.distances import Examples

VALUES = ("max_minus_ends", "midpoint", "mean_minus_chord", "at_baseline", "at_replica")
SPLITS, QUANTITIES = ("train", "test"), ("loss", "error")


@dataclass(frozen=True)
class Between:
    """What was found.

    Attributes:
        alignment: If it was asked for.
        barriers: If they were asked for: float64 (aligned, split, quantity, value), the last three in the orders of
            SPLITS, QUANTITIES and VALUES; `aligned` is 0 for the members as they are, and 1 after alignment.
    """

    alignment: Alignment | None
    barriers: Tensor | None


@dataclass(frozen=True)
class Comparison:
    """How members are compared.

    Attributes:
        model: The structure; its own numbers are not used.
        aligning: If members are to be aligned.
        groups: Hidden units that permute together; None if members are not aligned.
        walking: If paths are to be walked.
        judges: What is measured on them, by split.
        estimated_from: Inputs from which BatchNorm's statistics are estimated.
        check_cancelled: Called on the way; what it raises ends the work.
    """

    model: nn.Module
    aligning: AlignmentSpec | None
    groups: PermutationSpec | None
    walking: Barriers | None
    judges: Mapping[str, Judge]
    estimated_from: Tensor | Pixels | None
    check_cancelled: Callable[[], None]

    @classmethod
    def of(cls, spec: Replicas, dataset: Dataset, check_cancelled: Callable[[], None]) -> Self:
        """The comparison that a job asks for, on the dataset's device.

        Raises:
            UserFault: the model has no permutation spec.
        """
        training, barriers = spec.training, spec.barriers
        dtype, K = torch_dtype(training.dtype), len(dataset.label_names)
        model = initialised(training.model, dataset.input_shape, K, training.seed, dtype, dataset.vocabulary)
        model = model.to(dataset.train.inputs.device).eval()
        judges, estimated_from = dict[str, Judge](), None
        if barriers is not None:
            drawn = Examples.drawn(barriers.examples, barriers.examples, spec.seed, dataset)
            judges = {
                name: _judge(spec, dataset, split) for name, split in (("train", drawn.train), ("test", drawn.test))
            }
            estimated_from = Examples.drawn(barriers.batchnorm_examples, 1, spec.seed, dataset).train.inputs
        groups = None if spec.alignment is None else permutation_spec(model)
        return cls(model, spec.alignment, groups, barriers, judges, estimated_from, check_cancelled)

    @property
    def points(self) -> int:
        """Points of a path; 0 if none is walked."""
        return 0 if self.walking is None else self.walking.points

    def examples(self, split: str) -> int:
        """How many examples of a split are measured."""
        return len(self.judges[split].split)

    def between(self, state: Mapping[str, Tensor], start: int, end: int) -> Between:
        """Compare two members of a group.

        Args:
            state: Of the group, as its stack gives it: parameters/<name>, buffers/<name>, (R, *shape).
            start: The member to which the other is aligned, and where the path begins.
            end: The other member.
        """
        reference, other = self._member(state, start), self._member(state, end)
        ends, alignment = [other], None
        if self.aligning is not None and self.groups is not None:
            alignment = match_weights(
                self.groups,
                reference.parameters,
                other.parameters,
                self.aligning.seed,
                self.aligning.restarts,
                self.check_cancelled,
            )
            ends.append(
                State(
                    permuted(self.groups, other.parameters, alignment.permutations),
                    permuted(self.groups, other.buffers, alignment.permutations),
                )
            )
        if self.walking is None:
            return Between(alignment, None)
        barriers = [self._walk(reference, end) for end in ends]
        return Between(alignment, torch.tensor(barriers, dtype=torch.float64))

    def _walk(self, start: State, end: State) -> list[list[list[float]]]:
        """Barriers on the path between two networks, with the values at its ends: by split, by quantity."""
        found = straight_paths(
            self.model, start, end, self.judges, self.estimated_from, self.points, self.check_cancelled
        )
        return [
            [_values(path.loss_barrier, path.losses), _values(path.error_barrier, path.errors)]
            for path in (found[split] for split in SPLITS)
        ]

    def _member(self, state: Mapping[str, Tensor], member: int) -> State:
        """A member by itself, its tensors by name: safetensors reads them in any order, and sums follow it.

        Copied, since kernels round differently with where in memory a tensor begins.
        """
        device = next(self.model.parameters()).device
        parameters, buffers = (
            {
                name.removeprefix(prefix): tensor[member].to(device, copy=True)
                for name, tensor in sorted(state.items())
                if name.startswith(prefix)
            }
            for prefix in ("parameters/", "buffers/")
        )
        return State(parameters, buffers)


def _judge(spec: Replicas, dataset: Dataset, split: Split) -> Judge:
    loss, names = spec.training.loss, dataset.label_names
    targets = loss_targets(loss, split.labels, names, torch_dtype(spec.training.dtype))
    return Judge(split, targets, example_loss(loss, names), partial(probabilities, loss, dataset))


def _values(barrier: Barrier, values: tuple[float, ...]) -> list[float]:
    return [barrier.max_minus_ends, barrier.midpoint, barrier.mean_minus_chord, values[0], values[-1]]
