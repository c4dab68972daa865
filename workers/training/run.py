"""A training run in memory: one step, one look."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Self

import torch
from torch import Tensor, nn

from schemas.training import Training
from workers.data.dataset import Dataset
from workers.errors import UserFault
from workers.losses import ExampleLoss, example_loss, loss_targets, probabilities
from workers.models import initialised
from workers.models.outputs import check_outputs
from workers.training.evaluate import Evaluation, evaluate
from workers.training.optimizers import optimizer
from workers.training.rates import Rates


@dataclass(frozen=True)
class StepRecord:
    """What an optimizer step saw: the batch's mean loss before the step, the norm of its gradient, the rate."""

    step: int
    loss: float
    gradient_norm: float
    lr: float


@dataclass(frozen=True)
class Run:
    """A model, its optimizer and the data, on one device; `step` changes the first two in place."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    rates: Rates
    dataset: Dataset
    loss: ExampleLoss
    train_targets: Tensor
    test_targets: Tensor
    meaning: Callable[[Tensor], Tensor]

    @classmethod
    def start(cls, spec: Training, dataset: Dataset, dtype: torch.dtype) -> Self:
        """The run at step 0, on the dataset's device.

        Raises:
            UserFault: the model, loss or optimizer do not fit the data, or are not installed, or the optimizer has no
                learning rate.
        """
        K = len(dataset.label_names)
        model = initialised(spec.model, dataset.input_shape, K, spec.seed, dtype, dataset.vocabulary)
        model = model.to(dataset.train.inputs.device)
        check_outputs(model, dataset)
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        if not parameters:
            raise UserFault("the model has no trainable parameters: choose one that has")
        rule = optimizer(spec.optimizer, parameters)
        return cls(
            model=model.train(),
            optimizer=rule,
            rates=Rates.of(spec, rule),
            dataset=dataset,
            loss=example_loss(spec.loss, dataset.label_names),
            train_targets=loss_targets(spec.loss, dataset.train.labels, dataset.label_names, dtype),
            test_targets=loss_targets(spec.loss, dataset.test.labels, dataset.label_names, dtype),
            meaning=partial(probabilities, spec.loss, dataset),
        )

    def step(self, number: int, batch: Tensor) -> StepRecord:
        """Take optimizer step `number` on the mean loss of the examples in `batch`.

        Raises:
            UserFault: the loss or the gradient is not finite; the parameters are then as they were before the step.
        """
        chosen = batch.to(self.train_targets.device)
        self.rates.set(self.optimizer, number)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._batch_loss(number, chosen)
        loss.backward()  # type: ignore[no-untyped-call]
        record = StepRecord(
            number, float(loss.detach()), self._gradient_norm(), float(self.optimizer.param_groups[0]["lr"])
        )
        for what, value in (("loss", record.loss), ("gradient norm", record.gradient_norm)):
            if not isfinite(value):
                raise UserFault(
                    f"the {what} must stay finite, it became {value} at step {number} (lr {record.lr:g}): "
                    "lower the learning rate; checkpoints saved before it are kept"
                )
        self.optimizer.step()
        return record

    def _batch_loss(self, number: int, chosen: Tensor) -> Tensor:
        try:
            logits = self.model(self.dataset.train.inputs[chosen])
        except ValueError as error:  # BatchNorm in train mode refuses one value per channel
            raise UserFault(
                f"the model cannot take the {len(chosen)} examples of step {number}: {error}; change batch_size"
            ) from error
        return self.loss(logits, self.train_targets[chosen]).mean()

    def _gradient_norm(self) -> float:
        norms = [
            torch.linalg.vector_norm(parameter.grad, dtype=torch.float64)
            for parameter in self.model.parameters()
            if parameter.grad is not None
        ]
        return float(torch.linalg.vector_norm(torch.stack(norms))) if norms else 0.0

    def evaluate(self) -> tuple[Evaluation, Evaluation]:
        """Means over the train and the test split, model in eval mode."""
        return (
            evaluate(self.model, self.loss, self.dataset.train, self.train_targets, self.meaning),
            evaluate(self.model, self.loss, self.dataset.test, self.test_targets, self.meaning),
        )

    def parameter_norm(self) -> float:
        """‖θ‖ over all parameters."""
        norms = [torch.linalg.vector_norm(p.detach(), dtype=torch.float64) for p in self.model.parameters()]
        return float(torch.linalg.vector_norm(torch.stack(norms)))
