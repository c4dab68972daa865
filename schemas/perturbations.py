"""Moves of the parameters: what sets a replica apart from the baseline at one step.

w is what is moved, n its number of elements: the elements chosen by `where`, of all chosen tensors together or of one
tensor, as `scale` says. Random draws are a replica's own.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.base import NonNegativeFloat, PositiveFloat, Spec, Step
from schemas.data import MAX_EXAMPLES, Examples, Index

Scale = Literal["global", "per_tensor", "absolute"]
"""What ε means. `global`: the move has norm ε‖w‖, w all chosen elements together. `per_tensor`: each tensor's move
has norm ε‖w‖ of that tensor. `absolute`: the move of all chosen elements together has norm ε."""
Pattern = Annotated[str, Field(min_length=1, max_length=200)]


class Where(Spec):
    """Which elements of the parameters are moved: all of them unless something narrower is asked for."""

    tensors: Annotated[tuple[Pattern, ...], Field(min_length=1, max_length=100)] = ("*",)
    """Names of parameter tensors, with `*` and `?` for any: `layers.0.*` is one module. Each must match a tensor."""
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the elements of each chosen tensor, drawn by each replica without replacement; at least one."""
    element: Annotated[int, Field(ge=0)] | None = None
    """One element, by its place in the one flattened tensor that is chosen, from 0."""

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if self.element is not None and self.fraction != 1.0:
            raise ValueError("where: an element is a choice already; leave fraction out")
        return self


class Gaussian(Spec):
    """w + noise, the noise a Gaussian vector scaled to its norm; with `per_element` its elements have s.d. ε."""

    kind: Literal["gaussian"] = "gaussian"
    epsilon: NonNegativeFloat
    """Size ε, in the unit that `scale` names."""
    scale: Scale | Literal["per_element"]
    """What ε means; `per_element`: the s.d. of each element's noise."""
    step: Step = 0
    """After which optimizer step; 0 is the initialisation."""
    where: Where = Where()
    """What is moved."""


class Sphere(Spec):
    """A move by ε that keeps the norm: w ← (1 − ε²/2r²) w + ε √(1 − ε²/4r²) u, r = ‖w‖, u ⊥ w a random unit vector.

    Computed in float64. ε is at most 2r; at 2r, w becomes −w.
    """

    kind: Literal["sphere"] = "sphere"
    epsilon: NonNegativeFloat
    """Size ε, in the unit that `scale` names: as a multiple of r it is at most 2."""
    scale: Scale
    """What ε means; with `per_tensor` each tensor keeps its own norm, else all chosen elements keep theirs."""
    unmovable: Literal["refuse", "skip", "additive"] = "refuse"
    """What becomes of a w that has norm 0 or one element only, and so no such move. `additive`: Gaussian noise."""
    additive_sd: PositiveFloat | None = None
    """S.d. of that noise's elements as a multiple of ε, so that it vanishes with ε; only with `additive`."""
    step: Step = 0
    """After which optimizer step; 0 is the initialisation."""
    where: Where = Where()
    """What is moved."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.scale != "absolute" and self.epsilon > 2:
            raise ValueError(
                f"a point of a sphere of radius r is at most 2r away, so a relative epsilon is at most 2; "
                f"came {self.epsilon:g}"
            )
        if (self.additive_sd is None) == (self.unmovable == "additive"):
            raise ValueError("additive_sd is the size of the noise of unmovable: additive; give both or neither")
        return self


class GradientMove(Spec):
    """A move along ∇L of a batch (`ascent`) or against it: w ± ε-scaled gradient, model in train mode."""

    kind: Literal["gradient"] = "gradient"
    epsilon: NonNegativeFloat
    """Size ε, in the unit that `scale` names."""
    scale: Scale
    """What ε means."""
    direction: Literal["ascent", "descent"] = "ascent"
    """Sign of the move."""
    examples: Examples | Annotated[int, Field(ge=1, le=MAX_EXAMPLES)] = 64
    """Training examples of the batch: one choice for all replicas, or how many each replica draws for itself."""
    step: Step = 0
    """After which optimizer step; 0 is the initialisation."""
    where: Where = Where()
    """What is moved."""


class Reinitialise(Spec):
    """w is drawn anew by the rule of the run's own initialisation, by each replica for itself: another network.

    A twin stays as it is.
    """

    kind: Literal["reinitialise"] = "reinitialise"
    step: Step = 0
    """After which optimizer step; 0 is the initialisation."""
    where: Where = Where()
    """What is drawn anew."""


class SwapSteps(Spec):
    """Two steps exchange their batches."""

    kind: Literal["swap_steps"] = "swap_steps"
    first: Annotated[Step, Field(ge=1)]
    """A step, from 1."""
    second: Annotated[Step, Field(ge=1)]
    """Another one."""

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.first == self.second:
            raise ValueError(f"two different steps are swapped; came {self.first} twice")
        return self


class Seat(Spec):
    """A place in the batch schedule."""

    step: Annotated[Step, Field(ge=1)]
    """Optimizer step, from 1."""
    position: Annotated[int, Field(ge=0)]
    """Place in its batch, from 0."""


class SwapExamples(Spec):
    """Two places of the batch schedule exchange their examples."""

    kind: Literal["swap_examples"] = "swap_examples"
    first: Seat
    """A place."""
    second: Seat
    """Another one."""

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.first == self.second:
            raise ValueError("two different places are swapped; came one twice")
        return self


class Reshuffle(Spec):
    """What is left of the epoch and every later epoch after step `after` come in another random order.

    The examples of an epoch stay in it, those of an epoch that the run does not finish too, and batches keep their
    sizes: the order is all that differs.
    """

    kind: Literal["reshuffle"] = "reshuffle"
    after: Step
    """The last step whose batch stays; each replica draws its own order."""


class Reseed(Spec):
    """After step `after`, the batches of another schedule, each epoch of it an order of the whole split.

    The first of those epochs is entered where the run is: of the examples that the replaced one had left, some do not
    come and others come twice.
    """

    kind: Literal["reseed"] = "reseed"
    after: Step
    """The last step whose batch stays; each replica draws its own schedule."""


class DropExample(Spec):
    """Batches go without a training example; their loss is the mean over the others."""

    kind: Literal["drop_example"] = "drop_example"
    example: Index
    """Train-split index."""
    step: Annotated[Step, Field(ge=1)] | None = None
    """Only in this step's batch, which must hold it; by default wherever it occurs."""


class ReplaceExample(Spec):
    """Another training example takes the place of one."""

    kind: Literal["replace_example"] = "replace_example"
    example: Index
    """Train-split index of the one that leaves."""
    by: Index
    """Train-split index of the one that comes."""
    step: Annotated[Step, Field(ge=1)] | None = None
    """Only in this step's batch, which must hold it; by default wherever it occurs."""

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.example == self.by:
            raise ValueError(f"an example is replaced by another one; came {self.example} twice")
        return self


class Change(Spec):
    """A hyper-parameter of the optimizer has another value during a window of steps."""

    kind: Literal["change"] = "change"
    parameter: Literal["lr", "momentum", "dampening", "weight_decay", "beta1", "beta2", "eps", "alpha"]
    """Which one; the run's optimizer must have it."""
    value: NonNegativeFloat | None = None
    """Its value in the window; of lr: before the learning-rate schedule's factor."""
    factor: NonNegativeFloat | None = None
    """In place of a value: what multiplies it."""
    start: Annotated[Step, Field(ge=1)]
    """First step of the window."""
    stop: Annotated[Step, Field(ge=1)]
    """Last step of the window."""

    @model_validator(mode="after")
    def _a_window(self) -> Self:
        if (self.value is None) == (self.factor is None):
            raise ValueError("a change gives the value or the factor of a hyper-parameter, one of the two")
        if self.start > self.stop:
            raise ValueError(f"a window runs from start to stop; came {self.start} to {self.stop}")
        return self


Move = Gaussian | Sphere | GradientMove | Reinitialise
"""What moves parameters."""
Edit = SwapSteps | SwapExamples | Reshuffle | Reseed | DropExample | ReplaceExample
"""What changes the batch schedule."""
Perturbation = Annotated[Move | Edit | Change, Field(discriminator="kind")]


def last_step(perturbation: Move | Edit | Change) -> int:
    """The latest optimizer step that a perturbation names; moves and edits that begin after a step name that step."""
    match perturbation:
        case Gaussian() | Sphere() | GradientMove() | Reinitialise():
            return perturbation.step
        case SwapSteps():
            return max(perturbation.first, perturbation.second)
        case SwapExamples():
            return max(perturbation.first.step, perturbation.second.step)
        case Reshuffle() | Reseed():
            return perturbation.after + 1  # the first step that differs
        case DropExample() | ReplaceExample():
            return perturbation.step or 0
        case Change():
            return perturbation.stop
