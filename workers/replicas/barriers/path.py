"""Loss and error along the straight path between two networks.

Axes: N examples, K outputs. λ is the position: (1 − λ) θ_0 + λ θ_1.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from math import isfinite, nan

from torch import Tensor, nn

from workers.data.dataset import Split
from workers.errors import UserFault
from workers.losses import ExampleLoss
from workers.replicas.barriers.barrier import Barrier
from workers.replicas.barriers.entry import LinearEntry
from workers.replicas.barriers.estimation import Estimation, estimate, estimated_layers
from workers.replicas.barriers.line import Line, State
from workers.training.evaluate import evaluate

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


def straight_path(
    model: nn.Module,
    start: State,
    end: State,
    judge: Judge,
    estimation: Estimation | None = None,
    points: int = POINTS,
) -> StraightPath:
    """Walk from `start` to `end` in a straight line through the parameters, in eval mode.

    The two networks are taken as they come; for the barrier after alignment, give the permuted state. BatchNorm's
    running statistics are estimated anew at every position, the ends too, so that like is compared with like.

    Args:
        model: Gives the structure; it is not changed, and its own numbers are not used.
        start: At λ = 0, in the element type in which the path is walked.
        end: At λ = 1.
        judge: Examples and loss, on the device of the states.
        estimation: Needed where there is BatchNorm, and of no effect where there is none.
        points: Number of positions, odd, so that 1/2 is one of them.

    Raises:
        UserFault: too few points or an even number of them, or nothing to estimate BatchNorm's statistics from.
    """
    if points < POINTS or points % 2 == 0:
        raise UserFault(
            f"a path needs an odd number of points, at least {POINTS}, so that 1/2 is one of them; came {points}: "
            f"take {max(POINTS, points | 1)}"
        )
    probe = deepcopy(model).to(next(iter(start.parameters.values()))).eval()
    if estimated_layers(probe) and estimation is None:
        raise UserFault(
            "a path between networks with BatchNorm needs training inputs, from which its running statistics are "
            "estimated at every position: give an `estimation`"
        )
    line = Line(start, end)
    entry = LinearEntry.of(probe, line, judge.split.inputs)
    positions = tuple(number / (points - 1) for number in range(points))
    losses, errors = list[float](), list[float]()
    for position in positions:
        line.place(probe, position)
        if estimation is not None:
            estimate(probe, estimation)
        if entry is None:
            found = evaluate(probe, judge.loss, judge.split, judge.targets, judge.meaning)
        else:
            entered = Split(entry.at(position), judge.split.labels)
            found = evaluate(entry.rest, judge.loss, entered, judge.targets, judge.meaning)
        losses.append(found.loss)
        errors.append(1 - found.accuracy if isfinite(found.loss) else nan)
    return StraightPath(positions, tuple(losses), tuple(errors))
