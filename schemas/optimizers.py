"""Optimizer specs: PyTorch's update rules, with PyTorch's defaults where none is given here."""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from schemas.base import Fraction, Name, NonNegativeFloat, PositiveFloat, Spec


class Sgd(Spec):
    """θ ← θ − lr·buf, buf ← momentum·buf + (1 − dampening)·d with d = g + weight_decay·θ; buf is d at the first step.

    With Nesterov momentum θ ← θ − lr·(d + momentum·buf).
    """

    kind: Literal["sgd"] = "sgd"
    lr: PositiveFloat = 0.01
    """Learning rate."""
    momentum: Fraction = 0.0
    """Heavy-ball coefficient β."""
    dampening: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Dampening of the momentum buffer."""
    nesterov: bool = False
    """Nesterov momentum; needs momentum > 0 and dampening 0."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 coefficient, added to the gradient."""

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError("nesterov needs momentum > 0 and dampening = 0")
        return self


class Adam(Spec):
    """Adam; weight decay is added to the gradient."""

    kind: Literal["adam"] = "adam"
    lr: PositiveFloat = 1e-3
    """Learning rate."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    """Decay of the first and second moments."""
    eps: PositiveFloat = 1e-8
    """Added to the root of the second moment."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 coefficient, added to the gradient."""


class AdamW(Spec):
    """Adam with decoupled weight decay: θ ← θ − lr·weight_decay·θ beside Adam's step."""

    kind: Literal["adamw"] = "adamw"
    lr: PositiveFloat = 1e-3
    """Learning rate."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    """Decay of the first and second moments."""
    eps: PositiveFloat = 1e-8
    """Added to the root of the second moment."""
    weight_decay: NonNegativeFloat = 1e-2
    """Decoupled decay coefficient."""


class RmsProp(Spec):
    """RMSprop."""

    kind: Literal["rmsprop"] = "rmsprop"
    lr: PositiveFloat = 0.01
    """Learning rate."""
    alpha: Fraction = 0.99
    """Decay of the second moment."""
    eps: PositiveFloat = 1e-8
    """Added to the root of the second moment."""
    momentum: Fraction = 0.0
    """Heavy-ball coefficient."""
    centered: bool = False
    """Whether the squared mean of the gradient is subtracted from the second moment."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 coefficient, added to the gradient."""


class RegistryOptimizer(Spec):
    """An optimizer installed on the workers under the entry-point group `holonomy.optimizers`."""

    kind: Literal["registry"] = "registry"
    name: Name
    """Name of the entry point: a factory taking the parameters and the options."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments of the factory."""


Rule = Sgd | Adam | AdamW | RmsProp
"""Update rules whose formula is known here."""
Optimizer = Annotated[Rule | RegistryOptimizer, Field(discriminator="kind")]
