"""A sweep: a job spec, the base, varied along axes."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self, assert_never

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from schemas.base import Seed, Spec
from schemas.brackets import Brackets
from schemas.diagnostic import Diagnostic
from schemas.jobs import AnyJob, JobSpec
from schemas.mistakes import shown
from schemas.nearest import did_you_mean
from schemas.replicas import Replicas
from schemas.sweeps.axes import MAX_SWEEP_JOBS, AnyAxis, Axis, Count, plain
from schemas.sweeps.constraints import BadConstraint, Constraint, parse_constraint
from schemas.sweeps.dimensions import (
    axis_length,
    check_size,
    check_zipped,
    grid_dimensions,
    grid_groups,
    is_random,
    listed_dimension,
    random_dimension,
)
from schemas.sweeps.mistake import SweepMistake
from schemas.sweeps.paths import FieldPath, NoSuchField, lookup, parse_path, spelled
from schemas.sweeps.settings import Dimension, Fields, Place, parsed
from schemas.training import Training

PathText = Annotated[str, Field(min_length=1, max_length=500)]
Listed = Annotated[dict[PathText, JsonValue], Field(min_length=1), BeforeValidator(plain)]


def seed_path(spec: AnyJob) -> str | None:
    """The path of the seed of what a job trains; None where nothing is drawn."""
    match spec:
        case Training():
            return "seed"
        case Brackets() | Replicas():
            return "training.seed"
        case Diagnostic():
            return None
        case _:
            assert_never(spec)


class Sweep(Spec):
    """Jobs that differ from a base in fields named by their paths, such as `optimizer.lr` or `arms[0].replicas`.

    The jobs are the product of the axes, in the order given and the last of them fastest; then of the random samples,
    of the listed points, and of the seeds, which are the fastest of all. Jobs that come out equal are one job. A path
    may name a whole object, such as `model`; paths inside it then say what is changed in each.
    """

    kind: Literal["sweep"] = "sweep"
    base: JobSpec
    """The job that is varied; a field that is not varied has its value."""
    axes: Annotated[dict[PathText, Axis], Field(max_length=100)] = Field(default_factory=dict)
    """By path of a field, the values that it takes: a list, a spacing, or a distribution."""
    order: Annotated[tuple[PathText, ...], Field(max_length=100)] = ()
    """The axes from the slowest to the fastest; by default as they are given, which is then written down here."""
    zipped: Annotated[tuple[tuple[PathText, ...], ...], Field(max_length=100)] = ()
    """Groups of axes with equally many values, which advance together and are one factor of the product."""
    points: Annotated[tuple[Listed, ...], Field(max_length=MAX_SWEEP_JOBS)] = ()
    """Listed assignments of paths to values; they are one factor of the product."""
    samples: Count | None = None
    """How often the random axes are drawn, all of them together; needed if there are any."""
    seed: Seed = 0
    """Seeds the draws. Another axis, or more samples, leave the draws that were there as they were."""
    seeds: Count | Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MAX_SWEEP_JOBS)] | None = None
    """Seeds of the training run (`seed`, or `training.seed`): a list, or how many, counted up from the base's own."""
    constraints: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    """What every job must satisfy, such as `training.batch_size * training.steps <= 100000`; others are left out."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._check_order()
        for where, name in self._written():
            parsed(name, where)
        self._check_varied_once()
        check_zipped(self.axes, self.zipped)
        random = [name for name, axis in self.ordered_axes.items() if is_random(axis)]
        if random and self.samples is None:
            raise SweepMistake(f"{random[0]} is drawn at random: say with `samples` how often", "axes", random[0])
        if self.samples is not None and not random:
            raise SweepMistake("samples are drawn of random axes, and there are none", "samples")
        check_size(self.sizes)
        tuple(self.dimensions())
        self._check_constraints()
        return self

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of the factors of the grid; nothing is expanded."""
        groups = (axis_length(self.axes[group[0]]) for group in grid_groups(self.ordered_axes, self.zipped))
        seeds = len(self.seeds) if isinstance(self.seeds, tuple) else self.seeds or 1
        return (*groups, self.samples or 1, len(self.points) or 1, seeds)

    @property
    def ordered_axes(self) -> dict[str, AnyAxis]:
        """The axes from the slowest to the fastest."""
        return {name: self.axes[name] for name in self.order}

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that are varied, in the order in which they are given, that of the seeds last."""
        written = dict.fromkeys(spelled(parse_path(name)) for _, name in self._written())
        return tuple(written)

    def dimensions(self) -> Iterator[Dimension]:
        """The factors of the grid, from the slowest to the fastest.

        Raises:
            SweepMistake: a path leads nowhere, or its field cannot have one of the values.
        """
        fields = Fields(self.base, {parse_path(name) for _, name in self._written()})
        yield from grid_dimensions(fields, self.ordered_axes, self.zipped)
        if self.samples is not None:
            yield random_dimension(fields, self.ordered_axes, self.seed, self.samples)
        if self.points:
            yield listed_dimension(fields, self.points)
        if self.seeds is not None:
            path = self._seed_path()
            first = lookup(self.base, parse_path(path))
            seeds = self.seeds if isinstance(self.seeds, tuple) else range(first, first + self.seeds)
            yield tuple((setting,) for setting in fields.settings(path, seeds, ("seeds",)))

    def parsed_constraints(self) -> tuple[Constraint, ...]:
        """The constraints, ready to be asked.

        Raises:
            SweepMistake: one of them is not one.
        """
        found = list[Constraint]()
        for place, text in enumerate(self.constraints):
            try:
                found.append(parse_constraint(text))
            except BadConstraint as error:
                raise SweepMistake(f"constraint {shown(text)}: {error}", "constraints", place) from None
        return tuple(found)

    def _written(self) -> Iterator[tuple[Place, str]]:
        """Every path of the sweep, and where it stands."""
        for name in self.order:
            yield ("axes", name), name
        for place, point in enumerate(self.points):
            for name in point:
                yield ("points", place, name), name
        if self.seeds is not None:
            yield ("seeds",), self._seed_path()

    def _seed_path(self) -> str:
        path = seed_path(self.base)
        if path is None:
            raise SweepMistake(f"a {self.base.kind} job draws nothing, so it has no seeds to vary", "seeds")
        return path

    def _check_order(self) -> None:
        if not self.order:
            # Canonical JSON and the database sort the names of a mapping: the order is a value of its own.
            object.__setattr__(self, "order", tuple(self.axes))
        for name in self.order:
            if name not in self.axes:
                raise SweepMistake(
                    f"order names {name!r}, which is not an axis{did_you_mean(name, self.axes)}", "order"
                )
        if sorted(self.order) != sorted(self.axes):
            raise SweepMistake(f"order names every axis once: {', '.join(self.axes)}", "order")

    def _check_varied_once(self) -> None:
        seen = dict[FieldPath, Place]()
        for at, name in self._written():
            path = parse_path(name)
            before = seen.setdefault(path, at)
            in_points = at[0] == before[0] == "points"
            if before is not at and not (in_points and at[1] != before[1]):
                places = f"in `{before[0]}`" if at[0] == before[0] else f"in `{before[0]}` and in `{at[0]}`"
                raise SweepMistake(f"{spelled(path)} is varied twice, {places}: leave one of them out", *at)

    def _check_constraints(self) -> None:
        varied = {parse_path(name) for _, name in self._written()}
        for place, constraint in enumerate(self.parsed_constraints()):
            for path in constraint.paths:
                # What lies below a field that is varied depends on its value.
                if any(path[:depth] in varied for depth in range(1, len(path))):
                    continue
                try:
                    lookup(self.base, path)
                except NoSuchField as error:
                    raise SweepMistake(f"constraint {constraint.text!r}: {error}", "constraints", place) from None
