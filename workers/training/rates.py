"""The learning rates of an optimizer's parameter groups, set before each step as the run's schedule says."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from schemas.rates import AnyRate, ConstantRate, rate_factor
from schemas.training import Training
from workers.errors import UserFault


@dataclass(frozen=True)
class Rates:
    """What a schedule's factors multiply.

    Attributes:
        spec: The schedule.
        steps: Steps of the whole run.
        base: Learning rate of each parameter group when it was new.
    """

    spec: AnyRate
    steps: int
    base: tuple[float, ...]

    @classmethod
    def of(cls, spec: Training, optimizer: torch.optim.Optimizer) -> Self:
        """The rates of a new optimizer, which no step and no checkpoint has changed yet.

        Raises:
            UserFault: a parameter group has no learning rate.
        """
        if any(group.get("lr") is None for group in optimizer.param_groups):
            raise UserFault(
                f"the optimizer {type(optimizer).__name__} has a parameter group without a learning rate `lr`, "
                "which every group must have: choose another"
            )
        return cls(spec.rate, spec.steps, tuple(float(group["lr"]) for group in optimizer.param_groups))

    def set(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """Give each group its rate of `step`, counted from 1: base · rate_factor(step)."""
        if isinstance(self.spec, ConstantRate) and self.spec.warmup == 0:
            return  # so that an optimizer of a lab's own may steer its rate itself
        factor = rate_factor(self.spec, step, self.steps)
        for group, base in zip(optimizer.param_groups, self.base, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(base * factor)  # in place: the update rule may have been compiled for this tensor
            else:
                group["lr"] = base * factor
