"""What measuring costs: a look at a group beside the training between two looks. Axes: R members."""

from collections.abc import Iterator
from itertools import count

from bench.case import Conditions, spread_figure
from bench.replicas.groups import STEPS_OF_A_LOOK, group
from bench.report import Figure
from bench.timing import interleaved


def cost(conditions: Conditions) -> list[Figure]:
    """A look with the default measures over 100 steps of training, taken in turn, R = 16."""
    R, rounds = 16, 3 if conditions.quick else 15
    members = group(R, conditions.device)
    steps: Iterator[int] = count(1)

    def train() -> None:
        for _ in range(STEPS_OF_A_LOOK):
            members.step(next(steps))

    methods = {"train": train, "look": lambda: members.look(STEPS_OF_A_LOOK, checkpoint=False)}
    times = interleaved(methods, rounds, conditions.device)
    name = f"784-100-10, R = {R}"
    return [
        Figure(f"{name}: {STEPS_OF_A_LOOK} steps", times.median("train"), "s"),
        Figure(f"{name}: a look at 1,000 + 1,000 examples", times.median("look"), "s"),
        spread_figure(
            f"{name}: a look every {STEPS_OF_A_LOOK} steps over training",
            times.ratio("look", "train"),
            "share",
            0.20,
            0.10,
            lower=True,
        ),
    ]
