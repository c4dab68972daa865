"""Steps of a stack against steps of single networks, in turn; both gather their batches.

Axes: R members.
"""

from functools import partial

import torch

from bench.case import Conditions
from bench.replicas.subjects import CONVNET, MLP, Sequential, Stacked, Subject
from bench.report import Figure
from bench.timing import Spread, interleaved
from schemas.models import ZooModel
from schemas.optimizers import Adam, Rule, Sgd

STEPS = 100
"""Of a single network in a round; a stack of R takes a fraction of them, R members each."""
SGD = Sgd(lr=0.01)
TOLERANCE = 1e-3


def reference(conditions: Conditions) -> list[Figure]:
    """784-100-10 under plain SGD: R = 16, and 256 on a GPU."""
    R, target, aim = (256, None, None) if conditions.cuda else (16, 1.9, 2.5)
    return _against_sequential("MLP, SGD", MLP, SGD, R, conditions, target, aim)


def rules(conditions: Conditions) -> list[Figure]:
    """The same under momentum and Adam, R = 16."""
    named: dict[str, Rule] = {"momentum": Sgd(lr=0.01, momentum=0.9), "Adam": Adam()}
    return [
        figure
        for name, rule in named.items()
        for figure in _against_sequential(f"MLP, {name}", MLP, rule, 16, conditions)
    ]


def conv_net(conditions: Conditions) -> list[Figure]:
    """A small conv net with BatchNorm under Adam, R = 16, by the generic path."""
    return _against_sequential("conv net with BatchNorm, Adam", CONVNET, Adam(), 16, conditions, steps=8)


def sizes(conditions: Conditions) -> list[Figure]:
    """Time of a member's step in stacks of 2 to 64."""
    subject = Subject.of(MLP, SGD, conditions.device)
    stacks = {R: subject.stacked(R) for R in ((2, 16) if conditions.quick else (2, 4, 8, 16, 32, 64))}
    times = interleaved(
        {f"{R}": partial(given.train, _steps(R, STEPS)) for R, given in stacks.items()},
        3 if conditions.quick else 7,
        conditions.device,
    )
    return [_per_step(f"MLP, SGD: stack of {R}", times.seconds[f"{R}"], R * _steps(R, STEPS)) for R in stacks]


def _against_sequential(
    name: str,
    model: ZooModel,
    rule: Rule,
    R: int,
    conditions: Conditions,
    target: float | None = None,
    aim: float | None = None,
    steps: int = STEPS,
) -> list[Figure]:
    subject = Subject.of(model, rule, conditions.device)
    check(subject.stacked(2), subject.sequential())
    members, alone = subject.stacked(R), subject.sequential()
    few = _steps(R, steps)
    methods = {"stack": lambda: members.train(few), "sequential": lambda: alone.train(steps)}
    times = interleaved(methods, 5 if conditions.quick else 15, conditions.device, {"stack": 3, "sequential": 3})
    ratio = Spread.of(
        [
            (one / steps) / (all_of_them / (few * R))
            for one, all_of_them in zip(times.seconds["sequential"], times.seconds["stack"], strict=True)
        ]
    )
    return [
        _per_step(f"{name}: stack of {R}, {members.members.path} path", times.seconds["stack"], R * few),
        _per_step(f"{name}: torch.optim", times.seconds["sequential"], steps),
        Figure(f"{name}: R = {R} over sequential", ratio.median, "×", target, aim, low=ratio.low, high=ratio.high),
    ]


def _steps(R: int, steps: int) -> int:
    """Steps of a stack that are about as much work as `steps` of one network."""
    return max(1, steps // R)


def _per_step(name: str, seconds: list[float], steps: int) -> Figure:
    """Time of one step of one network."""
    spread = Spread.of([1e6 * taken / steps for taken in seconds])
    return Figure(name, spread.median, "µs/step", lower_is_better=True, low=spread.low, high=spread.high)


def check(members: Stacked, alone: Sequential) -> None:
    """Return, if a member comes to where a single network does, so that nothing wrong can be fast.

    Raises:
        RuntimeError: it does not.
    """
    members.train(5)
    alone.train(5)
    for name, parameter in alone.model.named_parameters():
        found = members.members.parameters[name][-1]
        if not torch.allclose(found, parameter.detach(), rtol=TOLERANCE, atol=TOLERANCE):
            raise RuntimeError(f"a member must come to where sequential training does, {name} differs")
