"""A training run: what is trained, on what, along which batch schedule, and where it is looked at."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Device, Dtype, Seed, Spec, Step
from schemas.data import DIGITS_LABELS, Data, Digits
from schemas.losses import CrossEntropy, Loss
from schemas.models import Mlp, Model, RegistryModel
from schemas.optimizers import Optimizer, Sgd
from schemas.rates import MAX_STEPS, ConstantRate, Rate, mismatch

MAX_CHECKPOINTS = 10_000


class Training(Spec):
    """One deterministic run. Its batch schedule is a pure function of (seed, split size, batch size, steps)."""

    kind: Literal["training"] = "training"
    data: Data = Digits()
    """The dataset."""
    model: Model = Mlp()
    """The model; its initialisation is drawn from `seed`."""
    loss: Loss = CrossEntropy()
    """Loss of one example; a batch's loss is the mean over its examples."""
    optimizer: Optimizer = Sgd()
    """The update rule."""
    rate: Rate = ConstantRate()
    """Factor on the optimizer's learning rate at each step: the share that the warmup allows, times the decay."""
    steps: Annotated[int, Field(ge=0, le=MAX_STEPS)]
    """Optimizer steps."""
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    """Examples in a step; the last batch of an epoch holds what is left of the split."""
    seed: Seed = 0
    """Seeds the initialisation and, as a separate stream, the batch schedule."""
    checkpoints: Annotated[tuple[Step, ...], Field(max_length=MAX_CHECKPOINTS)] = ()
    """Steps at which θ, optimizer state and buffers are kept: 0 is the initialisation. The last step always is."""
    dtype: Dtype = "float32"
    """Type of parameters and arithmetic."""
    device: Device = "auto"
    """`auto` takes whatever slot is free; bits may differ between devices, which is recorded."""

    @model_validator(mode="after")
    def _last_step_is_kept(self) -> Self:
        # After the fields are checked: 100, "100" and 100.0 are one number of steps by then.
        object.__setattr__(self, "checkpoints", tuple(sorted({*self.checkpoints, self.steps})))
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.checkpoints and self.checkpoints[-1] > self.steps:
            beyond = [step for step in self.checkpoints if step > self.steps]
            raise ValueError(f"checkpoints {beyond[:5]} lie beyond the run's {self.steps} steps")
        reason = mismatch(self.rate, self.steps)
        if reason is not None:
            raise ValueError(reason)
        outputs = None if isinstance(self.model, RegistryModel) else self.model.outputs
        if isinstance(self.data, Digits) and outputs not in (None, DIGITS_LABELS):
            raise ValueError(
                f"the model has {outputs} outputs but digits has {DIGITS_LABELS} labels: "
                "leave `outputs` out, or make them equal"
            )
        return self
