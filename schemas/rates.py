"""Learning-rate schedules: a factor on the optimizer's learning rate at each step s = 1, …, S of a run.

Every schedule is factor(s) = ramp(s) · decay(t), in float64:

    ramp(s)   min(1, s / (warmup + 1)): the first step takes 1 / (warmup + 1) of the rate, step warmup + 1 all of it
    t         max(0, s − 1 − warmup − hold): steps since the decay began, so that its first step is still undiminished
    decay(t)  the schedule's own, decay(0) = 1

Without warmup and hold these are the values of PyTorch's schedulers, stepped once after each optimizer step.
"""

import math
from bisect import bisect_left
from typing import Annotated, Literal, Self, assert_never

from pydantic import Field, model_validator

from schemas.base import NonNegativeFloat, PositiveFloat, Spec

MAX_STEPS = 10_000_000
MAX_MILESTONES = 1_000

Steps = Annotated[int, Field(ge=0, le=MAX_STEPS)]
SomeSteps = Annotated[int, Field(ge=1, le=MAX_STEPS)]


class _Warmed(Spec):
    warmup: Steps = 0
    """Steps over which the rate grows linearly before it is whole: 1/(warmup + 1) of it at step 1, 2/(warmup + 1) at
    step 2, all of it at step warmup + 1."""


class _Decay(_Warmed):
    hold: Steps = 0
    """Steps after the warmup at which the rate stays whole before the decay begins."""
    over: SomeSteps | None = None
    """Length D of the decay, whose t-th step is at x = min(1, t/D), the first at x = 0; it may reach beyond the run.
    By default what warmup and hold leave of the run, so that x = 1 would be the step after the last."""


class ConstantRate(_Warmed):
    """The optimizer's learning rate at every step after the warmup: decay = 1."""

    kind: Literal["constant"] = "constant"


class StepDecay(_Warmed):
    """Drops by a factor, every so many steps or after listed ones: decay = factor^(number of drops so far)."""

    kind: Literal["step"] = "step"
    factor: Annotated[float, Field(gt=0, le=1)] = 0.1
    """What each drop multiplies the rate by."""
    every: SomeSteps | None = None
    """Steps between drops: ⌊t/every⌋ of them have come when t steps have been taken since the end of the warmup."""
    milestones: Annotated[tuple[SomeSteps, ...], Field(min_length=1, max_length=MAX_MILESTONES)] | None = None
    """Steps of the run that are the last before a drop, ascending."""

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.every is None) == (self.milestones is None):
            raise ValueError("give either `every` or `milestones` for the drops of the rate, not both or neither")
        if self.milestones is not None:
            if tuple(sorted(set(self.milestones))) != self.milestones:
                raise ValueError(f"milestones must be ascending and unique; came {self.milestones[:5]}")
            if self.milestones[0] < self.warmup:
                raise ValueError(
                    f"the rate drops after its warmup of {self.warmup:,} steps; "
                    f"came a milestone at {self.milestones[0]:,}"
                )
        return self


class CosineDecay(_Decay):
    """Half a cosine: decay = c + to·(1 − c) with c = (1 + cos πx)/2. With a warmup, one cycle."""

    kind: Literal["cosine"] = "cosine"
    to: NonNegativeFloat = 0.0
    """Factor at x = 1 and from there on."""


class LinearDecay(_Decay):
    """A straight line: decay = (1 − x) + to·x. With warmup and hold, a trapezoid."""

    kind: Literal["linear"] = "linear"
    to: NonNegativeFloat = 0.0
    """Factor at x = 1 and from there on."""


class ExponentialDecay(_Decay):
    """The same ratio at every step: decay = to^x. Above 1 it grows, as in a search for the largest stable rate."""

    kind: Literal["exponential"] = "exponential"
    to: PositiveFloat = 0.01
    """Factor at x = 1 and from there on."""


AnyRate = ConstantRate | StepDecay | CosineDecay | LinearDecay | ExponentialDecay
Rate = Annotated[AnyRate, Field(discriminator="kind")]


def rate_factor(spec: AnyRate, step: int, steps: int) -> float:
    """The factor on the optimizer's learning rate at `step`, counted from 1, of a run of `steps` (formula above).

    A pure function in float64; exactly 1.0 for a constant rate after its warmup, and exactly `to` at the end of a
    decay.

    Args:
        spec: The schedule, which fits the run (`mismatch`).
        step: Step s, 1 ≤ s ≤ steps.
        steps: Steps S of the whole run, whichever part of it is trained.
    """
    ramp = min(1.0, step / (spec.warmup + 1))
    match spec:
        case ConstantRate():
            return ramp
        case StepDecay():
            return ramp * math.pow(spec.factor, _drops(spec, step))
        case CosineDecay():
            share = (1 + math.cos(math.pi * _position(spec, step, steps))) / 2
            return ramp * (share + spec.to * (1 - share))
        case LinearDecay():
            x = _position(spec, step, steps)
            return ramp * ((1 - x) + spec.to * x)
        case ExponentialDecay():
            return ramp * math.pow(spec.to, _position(spec, step, steps))
        case _:
            assert_never(spec)


def mismatch(spec: AnyRate, steps: int) -> str | None:
    """Why a schedule does not fit a run of `steps`, in one line with what to do; None if it does."""
    hold = spec.hold if isinstance(spec, _Decay) else 0
    if spec.warmup + hold and spec.warmup + hold >= steps:
        held = f" and hold of {hold:,}" if hold else ""
        return (
            f"the rate's warmup of {spec.warmup:,} steps{held} must end before the run's {steps:,}: "
            "shorten it, or train longer"
        )
    if isinstance(spec, StepDecay) and spec.milestones is not None and spec.milestones[-1] >= steps:
        beyond = [milestone for milestone in spec.milestones if milestone >= steps]
        return f"milestones {beyond[:5]} leave no step of the run's {steps:,} after them: leave them out"
    return None


def _drops(spec: StepDecay, step: int) -> int:
    if spec.every is not None:
        return max(0, step - 1 - spec.warmup) // spec.every
    return bisect_left(spec.milestones or (), step)


def _position(spec: _Decay, step: int, steps: int) -> float:
    """Where on its way from 0 to 1 a decay is."""
    began = spec.warmup + spec.hold
    taken = step - 1 - began
    # A run of no steps has no length to divide by; where its first step would be, the rate is undiminished.
    return min(1.0, taken / (spec.over or steps - began)) if taken > 0 else 0.0
