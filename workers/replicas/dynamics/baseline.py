"""A replica job's baseline, step by step, with the map of each step."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Self

from torch import Tensor

from schemas.optimizers import Rule
from schemas.training import Training
from workers.brackets.functional import Tensors
from workers.data.dataset import Dataset
from workers.errors import UserFault
from workers.losses import example_loss, loss_targets
from workers.models import initialised
from workers.precision import torch_dtype
from workers.replicas.dynamics.step_map import SLOTS, StepMap, first_state, flat, train_mode
from workers.replicas.perturbations.courses import optimizer_at
from workers.replicas.stack import Part, Stack, stack
from workers.training.schedule import Schedule, batch_schedule


@dataclass(frozen=True)
class Baseline:
    """The baseline as a stack of one: a member's bits do not depend on who is trained beside it.

    Attributes:
        spec: The run.
        stack: Its state, changed by `step`.
        schedule: Its batches.
        dataset: Its data.
        targets: Of the training examples, (N, K).
        mean_loss: Batch mean loss in train mode (`train_mode`).
    """

    spec: Training
    stack: Stack
    schedule: Schedule
    dataset: Dataset
    targets: Tensor
    mean_loss: Callable[[Tensors, Tensors, Tensor, Tensor], Tensor]

    @classmethod
    def start(cls, spec: Training, dataset: Dataset) -> Self:
        """The run at step 0, on the dataset's device.

        Raises:
            UserFault: the model, loss or optimizer do not fit the data, or cannot be stacked.
        """
        dtype, names = torch_dtype(spec.dtype), dataset.label_names
        model = initialised(spec.model, dataset.input_shape, len(names), spec.seed, dtype, dataset.vocabulary)
        return cls(
            spec,
            stack(spec, dataset, dtype, members=1),
            batch_schedule(spec.seed, len(dataset.train), spec.batch_size, spec.steps),
            dataset,
            loss_targets(spec.loss, dataset.train.labels, names, dtype),
            train_mode(model.to(dataset.train.inputs.device), example_loss(spec.loss, names)),
        )

    def restore(self, arrays: Tensors) -> None:
        """Take the state that the stack's `arrays` described."""
        self.stack.restore(arrays)

    def rule(self, step: int) -> Rule:
        """The update rule of a step, its rate times the schedule's factor."""
        return optimizer_at(self.spec, (), step)

    def state(self, step: int) -> Tensors:
        """A copy of what step `step` begins from, by the names of `step_map`."""
        names = self.stack.trainable
        state = first_state(self.rule(step), flat({name: self.stack.parameters[name][0] for name in names}))
        for slot in self.stack.slots[names[0]]:
            state[f"{SLOTS}/{slot}"] = flat({name: self.stack.slots[name][slot][0] for name in names})
        return state

    def check_finite(self, step: int) -> None:
        """Return, if the state after step `step` is finite.

        Raises:
            UserFault: it is not.
        """
        if not all(bool(tensor.isfinite().all()) for tensor in self.state(step).values()):
            raise _diverged(step)

    def step(self, step: int) -> tuple[StepMap, Tensors]:
        """Take a step; its map, and the state that it began from.

        Raises:
            UserFault: the batch mean loss is not finite, or the model cannot take so small a batch.
        """
        rule, batch, state = self.rule(step), self.schedule.batch(step), self.state(step)
        fixed = {
            name: tensor[0].clone()
            for name, tensor in (self.stack.parameters | self.stack.buffers).items()
            if name not in self.stack.trainable
        }
        taken = self.stack.steps_taken[0]
        loss = float(self.stack.step(step, (Part((0,), batch, rule),))[0])
        if not isfinite(loss):
            raise _diverged(step)
        chosen = batch.to(self.targets.device)
        inputs, targets = self.dataset.train.inputs[chosen], self.targets[chosen]
        shapes = {name: self.stack.parameters[name].shape[1:] for name in self.stack.trainable}
        return StepMap(lambda theta: self.mean_loss(theta, fixed, inputs, targets), shapes, rule, taken), state


def _diverged(step: int) -> UserFault:
    return UserFault(
        f"Lyapunov exponents need a baseline that stays finite, it does not at step {step}: lower the learning rate; "
        "exponents up to there are kept"
    )
