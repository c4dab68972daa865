"""A group in training: the baseline, its twin and some replicas, step by step.

Axes: R members of the group (member 0 the baseline, 1 the twin, then replicas), m = R − 1 of them compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from schemas.replicas import Replicas
from workers.data.dataset import Dataset
from workers.errors import UserFault
from workers.models import initialised
from workers.replicas.distances import Examples, Gauge, Landmarks, Look, Meaning
from workers.replicas.perturbations.courses import Course, courses
from workers.replicas.perturbations.moves import moved
from workers.replicas.perturbations.redraw import Initialisation
from workers.replicas.perturbations.timetable import Timetable
from workers.replicas.stack import Stack, stack
from workers.training.schedule import batch_schedule

BASELINE, TWIN = 0, 1


def twin_number(group: int) -> int:
    """What the twin of a group is called among the job's replicas."""
    return -1 - group


@dataclass
class Group:
    """Members in training. What a replica becomes does not depend on the group it is in.

    Attributes:
        stack: All members.
        baseline: What the baseline does.
        timetable: What all of them do at each step.
        gauge: Measures them.
        landmarks: What later looks refer back to.
        train_size: Examples in the train split.
        initialisation: What the run's model starts from under a seed.
    """

    stack: Stack
    baseline: Course
    timetable: Timetable
    gauge: Gauge
    landmarks: Landmarks
    train_size: int
    initialisation: Initialisation

    @classmethod
    def start(cls, spec: Replicas, dataset: Dataset, dtype: torch.dtype, group: int, replicas: range) -> Self:
        """The group at step 0, before any move.

        Args:
            spec: The job.
            dataset: On the device of the run, with inputs of type `dtype`.
            dtype: Of parameters and arithmetic.
            group: Its number.
            replicas: The job's numbers of its replicas.

        Raises:
            UserFault: the run, or a perturbation of it, asks for what is not there.
        """
        training, measures, train_size = spec.training, spec.measures, len(dataset.train)
        schedule = batch_schedule(training.seed, train_size, training.batch_size, training.steps)
        done = courses(spec, schedule, train_size, replicas)
        members = stack(training, dataset, dtype, len(done))

        def network(seed: int) -> nn.Module:
            K = len(dataset.label_names)
            return initialised(training.model, dataset.input_shape, K, seed, dtype, dataset.vocabulary)

        epsilons = [0.0, *(spec.arms[spec.place(replica)[0]].epsilon for replica in replicas)]
        gauge = Gauge(
            model=network(training.seed).to(dataset.train.inputs.device).eval(),
            meaning=Meaning.of(training.loss, dataset),
            measures=measures,
            drawn=Examples.drawn(measures.train_examples, measures.test_examples, spec.seed, dataset),
            everything=Examples.everything(dataset),
            replicas=(twin_number(group), *replicas),
            epsilons=np.array([np.nan if size is None else size for size in epsilons]),
        )
        return cls(
            members,
            done[BASELINE],
            Timetable(done),
            gauge,
            Landmarks.at_start(members.parameters),
            train_size,
            lambda seed: dict(network(seed).named_parameters()),
        )

    def step(self, number: int) -> None:
        """Take optimizer step `number`, and make the moves that come after it."""
        self.stack.step(number, self.timetable.parts(number))
        self.move(number)

    def move(self, step: int) -> None:
        """Make the moves that come after a step; 0 is the initialisation.

        Raises:
            UserFault: a move cannot be made.
        """
        movers = set[int]()
        for due in self.timetable.moves(step):
            held = {name: self.stack.parameters[name][due.member] for name in self.stack.trainable}
            gradient = partial(self.stack.gradient, due.member)
            for name, tensor in moved(
                held, due.move, due.draw, gradient, self.train_size, self.initialisation
            ).items():
                held[name].copy_(tensor)
            movers.add(due.member)
        if movers:
            self.landmarks = self.landmarks.moved(self.stack.parameters, sorted(movers))

    def look(self, step: int, *, checkpoint: bool) -> Look:
        """Measure all members.

        Args:
            step: Optimizer steps taken.
            checkpoint: Whether to measure as closely as at checkpoints.

        Raises:
            UserFault: the baseline is not finite, so that there is nothing to compare with.
        """
        lr = self.baseline.optimizer(max(step, 1)).lr
        found = self.gauge.look(self.stack, step, lr, self.landmarks, checkpoint=checkpoint)
        if not found.finite[BASELINE]:
            raise UserFault(
                f"the baseline's loss and parameters must stay finite, they are not after step {step} (lr {lr:g}): "
                "lower the learning rate; what was measured before it is kept"
            )
        self.landmarks = found.landmarks
        return found

    def arrays(self) -> dict[str, Tensor]:
        """The whole state, from which the group goes on bitwise."""
        return self.stack.arrays() | self.landmarks.arrays()

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take a state that `arrays()` described.

        Raises:
            BlockFault: it is that of another group.
        """
        marks = {name: tensor for name, tensor in arrays.items() if name.startswith("landmarks/")}
        self.stack.restore({name: tensor for name, tensor in arrays.items() if name not in marks})
        self.landmarks = Landmarks.from_arrays(marks)

    def digests(self) -> tuple[str, str]:
        """SHA-256 of the whole states of the baseline and the twin."""
        return self.stack.digest(BASELINE), self.stack.digest(TWIN)
