"""Loss and error along the straight path between two networks.

Axes: N examples, K outputs. λ is the position: (1 − λ) θ_0 + λ θ_1.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import isfinite, nan

from torch import Tensor, nn

from workers.data.dataset import Split
from workers.data.pixels import Pixels
from workers.errors import UserFault
from workers.losses import ExampleLoss
from workers.replicas.barriers.barrier import Barrier
from workers.replicas.barriers.entry import LinearEntry
from workers.replicas.barriers.estimation import estimate, estimated_layers
from workers.replicas.barriers.line import Line, State
from workers.training.evaluate import Evaluation, evaluate

POINTS = 25
"""The fewest positions at which a path is looked at."""


@dataclass(frozen=True)
class Judge:
    """What a network is measured by.

    Attributes:
        split: N examples.
        targets: Of the loss, (N, K).
        loss: Of single examples.
        meaning: Maps logits to the probabilities of labels.
    """

    split: Split
    targets: Tensor
    loss: ExampleLoss
    meaning: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class StraightPath:
    """What was found on the way.

    Attributes:
        positions: λ in equal steps from 0 to 1.
        losses: Mean loss of the examples at each.
        errors: 1 − accuracy at each; NaN where the loss is not finite.
    """

    positions: tuple[float, ...]
    losses: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def loss_barrier(self) -> Barrier:
        """Of the mean loss."""
        return Barrier.of(self.losses)

    @property
    def error_barrier(self) -> Barrier:
        """Of the error, a share between 0 and 1."""
        return Barrier.of(self.errors)


def straight_paths(
    model: nn.Module,
    start: State,
    end: State,
    judges: Mapping[str, Judge],
    estimated_from: Tensor | Pixels | None = None,
    points: int = POINTS,
    pause: Callable[[], None] = lambda: None,
) -> dict[str, StraightPath]:
    """Walk from `start` to `end` in a straight line through the parameters, in eval mode; a path for every judge.

    The two networks are taken as they come; for the barrier after alignment, give the permuted state. BatchNorm's
    running statistics are estimated anew at every position, the ends too, so that like is compared with like.

    Args:
        model: Gives the structure; it is not changed, and its own numbers are not used.
        start: At λ = 0, in the element type in which the path is walked.
        end: At λ = 1.
        judges: Examples and loss, on the device of the states. Behind a perceptron's first layer, of d units, 3·N·d
            numbers are kept for each.
        estimated_from: Training inputs (n, *input_shape) for BatchNorm's statistics; of no effect without BatchNorm.
        points: Number of positions, odd, so that 1/2 is one of them.
        pause: Called at every position; what it raises ends the work.

    Raises:
        UserFault: too few points or an even number of them, or too few inputs for BatchNorm's statistics.
    """
    if points < POINTS or points % 2 == 0:
        raise UserFault(
            f"a path needs an odd number of points, at least {POINTS}, so that 1/2 is one of them; came {points}: "
            f"take {max(POINTS, points | 1)}"
        )
    probe = deepcopy(model).to(next(iter(start.parameters.values()))).eval()
    if estimated_layers(probe) and estimated_from is None:
        raise UserFault(
            "a path between networks with BatchNorm needs training inputs, from which its running statistics are "
            "estimated at every position: give `estimated_from`"
        )
    line = Line(start, end)
    entries = {name: LinearEntry.of(probe, line, judge.split.inputs) for name, judge in judges.items()}
    positions = tuple(number / (points - 1) for number in range(points))
    found: dict[str, list[Evaluation]] = {name: [] for name in judges}
    for position in positions:
        pause()
        line.place(probe, position)
        if estimated_from is not None:
            estimate(probe, estimated_from)
        for name, judge in judges.items():
            found[name].append(_judged(probe, judge, entries[name], position))
    return {name: _path(positions, evaluations) for name, evaluations in found.items()}


def _judged(model: nn.Module, judge: Judge, entry: LinearEntry | None, position: float) -> Evaluation:
    if entry is None:
        return evaluate(model, judge.loss, judge.split, judge.targets, judge.meaning)
    entered = Split(entry.at(position), judge.split.labels)
    return evaluate(entry.rest, judge.loss, entered, judge.targets, judge.meaning)


def _path(positions: tuple[float, ...], found: Sequence[Evaluation]) -> StraightPath:
    return StraightPath(
        positions,
        losses=tuple(one.loss for one in found),
        errors=tuple(1 - one.accuracy if isfinite(one.loss) else nan for one in found),
    )
