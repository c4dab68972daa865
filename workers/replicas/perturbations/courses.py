"""What each member of a group does: its batches, its optimizer's hyper-parameters, its moves.

A group is the baseline (member 0), the unperturbed twin (member 1) and some replicas. Replica k of every arm has the
same random draws, with a stream for each perturbation: nothing depends on the group it is in.

Axes: B examples of a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import Tensor

from schemas.batch_edits import misplaced
from schemas.changes import changed
from schemas.optimizers import RegistryOptimizer, Rule
from schemas.perturbations import Change, Edit, Move, Reinitialise, Reseed, Reshuffle
from schemas.rates import rate_factor
from schemas.replicas import Arm, Replicas
from schemas.training import Training
from workers.errors import UserFault
from workers.replicas.perturbations.batches import Batches, Epochs
from workers.replicas.perturbations.edits import edited
from workers.streams import Stream, generator
from workers.training.schedule import Schedule


@dataclass(frozen=True)
class Course:
    """What one member does.

    Attributes:
        training: The baseline's run.
        batches: Its batches: the schedule, or edits of it.
        edits: Those edits.
        changes: Windows of other hyper-parameters.
        placed: Its moves, each with its place among the perturbations of the arm.
        seed: Seed of the job's perturbations.
        number: The replica's number in its arm.
    """

    training: Training
    batches: Batches
    edits: tuple[Edit, ...] = ()
    changes: tuple[Change, ...] = ()
    placed: tuple[tuple[int, Move], ...] = ()
    seed: int = 0
    number: int = 0

    def batch(self, step: int) -> Tensor:
        """Numbers of the training examples of a step, counted from 1: int64 (B,).

        Raises:
            UserFault: an edit leaves it empty.
        """
        return self.batches.batch(step)

    def optimizer(self, step: int) -> Rule:
        """The update rule of a step, counted from 1."""
        return optimizer_at(self.training, self.changes, step)

    def moves(self, step: int) -> list[tuple[Move, np.random.Generator]]:
        """Moves after a step (0: of the initialisation), in order, each with its draws from their beginning."""
        return [
            (move, generator(self.seed, Stream.PERTURBATION, self.number, place))
            for place, move in self.placed
            if move.step == step
        ]


def optimizer_at(training: Training, changes: Sequence[Change], step: int) -> Rule:
    """The run's update rule at a step, counted from 1, its learning rate that of the windows times the schedule's.

    Raises:
        UserFault: the optimizer is a registry's, whose rule is not known.
    """
    if isinstance(training.optimizer, RegistryOptimizer):
        raise UserFault("replicas cannot be trained by a registry optimizer: take sgd, adam, adamw or rmsprop")
    rule = changed(training.optimizer, changes, step)
    factor = rate_factor(training.rate, step, training.steps)
    return rule if factor == 1.0 else rule.model_copy(update={"lr": rule.lr * factor})


def courses(spec: Replicas, schedule: Schedule, train_size: int, replicas: Sequence[int]) -> tuple[Course, ...]:
    """The courses of a group: the baseline's, the twin's, and those of its replicas in their order.

    The twin goes the baseline's way, and through the moves of the job's first arm with ε = 0.

    Args:
        spec: The job.
        schedule: The baseline's batches.
        train_size: Examples in the train split.
        replicas: The job's numbers of the group's replicas.

    Raises:
        UserFault: a perturbation asks for what the schedule or the split does not hold.
    """
    epochs = Epochs(train_size, spec.training.batch_size, spec.training.steps)
    still = tuple(
        (place, move.model_copy(update={"epsilon": 0.0}))
        for place, move in _moves(spec.arms[0])
        if not isinstance(move, Reinitialise)  # which has no size that could be 0
    )
    found = [Course(spec.training, schedule), Course(spec.training, schedule, placed=still, seed=spec.seed)]
    common = dict[int, Batches]()
    for replica in replicas:
        place, number = spec.place(replica)
        arm = spec.arms[place]
        if place not in common:
            _check(arm, spec, train_size)
        if place not in common or any(isinstance(edit, Reshuffle | Reseed) for edit in arm.perturbations):
            common[place] = _batches(arm, schedule, epochs, spec.seed, number)
        found.append(
            Course(
                training=spec.training,
                batches=common[place],
                edits=tuple(edit for _, edit in _edits(arm)),
                changes=tuple(change for change in arm.perturbations if isinstance(change, Change)),
                placed=_moves(arm),
                seed=spec.seed,
                number=number,
            )
        )
    return tuple(found)


def _moves(arm: Arm) -> tuple[tuple[int, Move], ...]:
    return tuple((place, move) for place, move in enumerate(arm.perturbations) if isinstance(move, Move))


def _edits(arm: Arm) -> list[tuple[int, Edit]]:
    return [(place, edit) for place, edit in enumerate(arm.perturbations) if isinstance(edit, Edit)]


def _batches(arm: Arm, schedule: Schedule, epochs: Epochs, seed: int, number: int) -> Batches:
    batches: Batches = schedule
    for place, edit in _edits(arm):
        batches = edited(batches, edit, epochs, partial(generator, seed, Stream.PERTURBATION, number, place))
    return batches


def _check(arm: Arm, spec: Replicas, train_size: int) -> None:
    for perturbation in arm.perturbations:
        why = misplaced(perturbation, train_size, spec.training.batch_size)
        if why is not None:
            raise UserFault(why)
