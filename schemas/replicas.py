"""A replica job: a baseline run and perturbed copies of it under the same batch schedule, and how they drift apart.

Replicas are numbered from 0 through the whole job, arm after arm. Replica k of every arm has the same random draws,
so that arms which differ in ε alone are compared along the same directions.
"""

from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.base import Name, PositiveFloat, Seed, Spec, Step
from schemas.changes import impossible
from schemas.looks import Every, Listed, Looks, look_steps
from schemas.optimizers import RegistryOptimizer
from schemas.permutable import unpermutable
from schemas.perturbations import Change, Perturbation, last_step
from schemas.training import Training

MAX_REPLICAS = 10_000
TWIN = "twin"
"""In the place of an arm's name: the unperturbed twins of the groups."""
OnExamples = Annotated[int, Field(ge=1, le=10_000_000)] | Literal["all"]


class Arm(Spec):
    """Replicas perturbed in the same way, which differ in their random draws."""

    name: Name | None = None
    """What the arm is called in results; `arm-0`, `arm-1`, … by default."""
    perturbations: Annotated[tuple[Perturbation, ...], Field(min_length=1, max_length=32)]
    """What is done to each replica; of moves at one step, in this order."""
    replicas: Annotated[int, Field(ge=1, le=MAX_REPLICAS)] = 10
    """How many."""

    @property
    def epsilon(self) -> float | None:
        """ε of the first perturbation that has one."""
        sizes = (getattr(perturbation, "epsilon", None) for perturbation in self.perturbations)
        return next((size for size in sizes if size is not None), None)


class Measures(Spec):
    """What is measured at every look; at the run's checkpoints over all examples of both splits."""

    train_examples: OnExamples = 1_000
    """Training examples of losses and accuracies, drawn once for the job."""
    test_examples: OnExamples = 1_000
    """Test examples of losses, accuracies and function-space distances, drawn once for the job."""
    tensors: bool = True
    """Distances of every parameter tensor apart."""
    cka: bool = False
    """Linear CKA of hidden layers with the baseline's, at checkpoints, over the drawn test examples."""


class Alignment(Spec):
    """Distances after the best permutation of hidden units that weight matching finds, at checkpoints."""

    restarts: Annotated[int, Field(ge=1, le=1_000)] = 5
    """Searches from different random orders of the layers; the nearest is kept, the spread is reported."""
    seed: Seed = 0
    """Seeds the orders."""


class Barriers(Spec):
    """Loss and error along the straight path from the baseline to each replica, at checkpoints."""

    points: Annotated[int, Field(ge=25, le=1_001)] = 25
    """Points of the path, its ends among them; an odd number, so that one stands half way."""
    examples: OnExamples = 10_000
    """Examples of each split, drawn once for the job."""
    batchnorm_examples: Annotated[int, Field(ge=2, le=1_000_000)] = 2_000
    """Training examples from which BatchNorm's statistics are estimated anew at each point."""

    @field_validator("points")
    @classmethod
    def _half_way(cls, points: int) -> int:
        if points % 2 == 0:
            raise ValueError(f"a path has an odd number of points, so that one stands half way; came {points}")
        return points


class Lyapunov(Spec):
    """Finite-time Lyapunov exponents of the baseline along its schedule, in the full state of the optimizer.

    Tangents begin as random directions of the parameters and go through every step's derivative: that of the gradient
    and of the update rule, momentum buffers and moments included.
    """

    exponents: Annotated[int, Field(ge=1, le=64)] = 1
    """How many leading ones; a model has as many as trainable parameters."""
    every: Annotated[int, Field(ge=1, le=10_000)] = 10
    """Steps between orthonormalisations: the last exponents sink into rounding if tangents turn parallel between."""
    seed: Seed = 0
    """Seeds the first tangents."""


class Growth(Spec):
    """The window of the fits of exponential, linear, square-root and power laws to the distances."""

    start: Annotated[Step, Field(ge=1)] = 1
    """First step; of an arm that parts from the baseline later, the first look after that."""
    stop: Step | None = None
    """Last step; by default the run's last."""


class Bootstrap(Spec):
    """Intervals of means over the replicas of an arm, by percentiles of resampled means."""

    resamples: Annotated[int, Field(ge=100, le=100_000)] = 1_000
    """How many."""
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Share of them inside the interval."""
    seed: Seed = 0
    """Seeds the resamples."""


class Replicas(Spec):
    """A baseline run and perturbed replicas of it, trained together, and their distances during and after."""

    kind: Literal["replicas"] = "replicas"
    training: Training
    """The baseline. At its checkpoints the states of all replicas are kept, and looked at most closely."""
    arms: Annotated[tuple[Arm, ...], Field(min_length=1, max_length=1_000)]
    """Sets of replicas. An unperturbed twin is always there beside them."""
    seed: Seed = 0
    """Seeds the perturbations and the choice of examples."""
    looks: Looks = Every()
    """When replicas are measured; the checkpoints are always among the looks."""
    measures: Measures = Measures()
    """What is measured then."""
    alignment: Alignment | None = None
    """Distances up to permutations of hidden units; for models whose permutations are known."""
    barriers: Barriers | None = None
    """Barriers along straight paths; after alignment too, if alignment is asked for."""
    lyapunov: Lyapunov | None = None
    """Lyapunov exponents of the baseline."""
    growth: Growth = Growth()
    """Window of the growth laws."""
    autocorrelation: bool = False
    """Autocorrelations of weights and logits between checkpoints, averaged over the replicas of an arm."""
    bootstrap: Bootstrap = Bootstrap()
    """Intervals over replicas."""
    stability_error: PositiveFloat = 0.02
    """Barrier in error below which two runs count as linearly connected, for the stability time."""
    group_size: Annotated[int, Field(ge=1, le=MAX_REPLICAS)] | None = None
    """Most replicas trained together; by default what memory and the number of workers make best. Changes no bit."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if isinstance(self.training.optimizer, RegistryOptimizer):
            raise ValueError("replicas cannot be trained by a registry optimizer: take sgd, adam, adamw or rmsprop")
        if self.count > MAX_REPLICAS:
            raise ValueError(f"a job has at most {MAX_REPLICAS:,} replicas; these arms have {self.count:,}")
        _check_names(self.arm_names)
        for place, arm in enumerate(self.arms):
            self._check_arm(place, arm)
        if self.alignment is not None and (why := unpermutable(self.training.model)) is not None:
            raise ValueError(why)
        self._check_looks()
        if self.autocorrelation and len(self.training.checkpoints) < 2:
            raise ValueError(
                f"autocorrelation is between checkpoints, and the run has one, at step {self.training.steps}: name "
                "more in training.checkpoints"
            )
        return self

    def _check_looks(self) -> None:
        steps, growth = self.training.steps, self.growth
        if isinstance(self.looks, Listed) and (beyond := [step for step in self.looks.steps if step > steps]):
            raise ValueError(f"looks {beyond[:5]} lie beyond the run's {steps} steps")
        started = growth.start <= max(1, steps)  # the default start of a run of no steps
        if not started or (growth.stop is not None and not growth.start < growth.stop <= steps):
            stop = "the end" if growth.stop is None else growth.stop
            raise ValueError(
                f"the growth window must rise from start to stop and lie within the run's {steps} steps; "
                f"came {growth.start} to {stop}"
            )

    def _check_arm(self, place: int, arm: Arm) -> None:
        for perturbation in arm.perturbations:
            step = last_step(perturbation)
            if step > self.training.steps:
                raise ValueError(
                    f"the {perturbation.kind} of arm {self.arm_names[place]} reaches step {step}, past the end of "
                    f"the run's {self.training.steps} steps"
                )
        changes = [perturbation for perturbation in arm.perturbations if isinstance(perturbation, Change)]
        if (why := impossible(self.training.optimizer, changes)) is not None:
            raise ValueError(f"arm {self.arm_names[place]}: {why}")

    @property
    def arm_names(self) -> tuple[str, ...]:
        """Names of the arms."""
        return tuple(arm.name or f"arm-{place}" for place, arm in enumerate(self.arms))

    @property
    def count(self) -> int:
        """Replicas of all arms, without the twin."""
        return sum(arm.replicas for arm in self.arms)

    @property
    def looked_at(self) -> tuple[int, ...]:
        """All steps at which replicas are measured, ascending: the looks and the checkpoints."""
        return tuple(sorted({*look_steps(self.looks, self.training.steps), *self.training.checkpoints}))

    def place(self, replica: int) -> tuple[int, int]:
        """Arm of a replica, and its number within the arm.

        Raises:
            IndexError: there is no such replica.
        """
        number = replica
        for arm, one in enumerate(self.arms):
            if 0 <= number < one.replicas:
                return arm, number
            number -= one.replicas
        raise IndexError(f"the job has replicas 0 to {self.count - 1}, asked for {replica}")


def _check_names(names: tuple[str, ...]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"arms have different names; came more than once: {', '.join(twice[:5])}")
    if TWIN in names:
        raise ValueError(f"an arm cannot be called {TWIN}: so the unperturbed twins are called")
