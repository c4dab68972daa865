"""The factors of a sweep's grid, from the slowest to the fastest: axes, random samples, listed points, seeds."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from pydantic import JsonValue

from schemas.nearest import did_you_mean
from schemas.sweeps.axes import MAX_SWEEP_JOBS, AnyAxis, Choice, Drawn, IntUniform, LogUniform, Uniform
from schemas.sweeps.draws import draw
from schemas.sweeps.mistake import SweepMistake
from schemas.sweeps.paths import spelled
from schemas.sweeps.settings import Dimension, Fields, Setting, parsed

Axes = Mapping[str, AnyAxis]
Zipped = Sequence[Sequence[str]]


def is_random(axis: AnyAxis) -> bool:
    """Whether an axis is drawn and not listed."""
    return isinstance(axis, Uniform | LogUniform | IntUniform | Choice)


def axis_length(axis: AnyAxis) -> int:
    """How many values a listed or spaced axis has."""
    if isinstance(axis, tuple):
        return len(axis)
    if isinstance(axis, Uniform | LogUniform | IntUniform | Choice):
        raise TypeError("a random axis has as many values as the sweep has samples")
    return axis.count


def check_zipped(axes: Axes, zipped: Zipped) -> None:
    """Raises SweepMistake unless every group names axes of one length, each in one group only."""
    seen = dict[str, int]()
    for place, group in enumerate(zipped):
        at = ("zipped", place)
        if len(group) < 2:
            raise SweepMistake(f"zipped group {place}: expected two axes or more; came {len(group)}", *at)
        for name in group:
            if name not in axes:
                raise SweepMistake(f"zipped names {name!r}, which is not an axis{did_you_mean(name, axes)}", *at)
            if name in seen:
                raise SweepMistake(f"zipped names {name!r} more than once", *at)
            if is_random(axes[name]):
                raise SweepMistake(
                    f"zipped names {name!r}, which is drawn at random: all random axes are drawn together already",
                    *at,
                )
            seen[name] = place
        lengths = {name: axis_length(axes[name]) for name in group}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} has {length:,}" for name, length in lengths.items())
            raise SweepMistake(f"axes zipped together need equally many values; {told}", *at)


def grid_groups(axes: Axes, zipped: Zipped) -> Iterator[tuple[str, ...]]:
    """Axes that advance together, in the order in which the first of each group is given."""
    group_of = {name: tuple(group) for group in zipped for name in group}
    done = set[str]()
    for name, axis in axes.items():
        if name in done or is_random(axis):
            continue
        group = group_of.get(name, (name,))
        done.update(group)
        yield group


def grid_dimensions(fields: Fields, axes: Axes, zipped: Zipped) -> Iterator[Dimension]:
    """A factor for each group of axes."""
    for group in grid_groups(axes, zipped):
        columns = [fields.settings(name, _values(axes[name]), ("axes", name)) for name in group]
        yield tuple(zip(*columns, strict=True))


def random_dimension(fields: Fields, axes: Axes, seed: int, samples: int) -> Dimension:
    """One factor with a sample of all random axes at each place."""
    columns = list[list[Setting]]()
    for name, axis in axes.items():
        if isinstance(axis, Uniform | LogUniform | IntUniform | Choice):
            at = ("axes", name)
            path = spelled(parsed(name, at))
            columns.append(fields.settings(name, _samples(axis, seed, path, samples), at))
    return tuple(zip(*columns, strict=True))


def listed_dimension(fields: Fields, points: Sequence[Mapping[str, JsonValue]]) -> Dimension:
    """One factor with a listed point at each place."""
    return tuple(
        tuple(
            setting for name, value in point.items() for setting in fields.settings(name, [value], _at(place, name))
        )
        for place, point in enumerate(points)
    )


def check_size(sizes: Sequence[int]) -> int:
    """The number of points of a grid whose factors have these sizes.

    Raises:
        SweepMistake: it is beyond the limit; the message holds the arithmetic.
    """
    total = prod(sizes)
    if total > MAX_SWEEP_JOBS:
        factors = " × ".join(f"{size:,}" for size in sizes if size > 1)
        product = f"{factors} = {total:,}" if " " in factors else f"{total:,}"
        raise SweepMistake(
            f"{product} jobs; a sweep has at most {MAX_SWEEP_JOBS:,}: take fewer values, zip axes, "
            "draw samples at random, or make several sweeps"
        )
    return total


def _values(axis: AnyAxis) -> Sequence[JsonValue]:
    if isinstance(axis, tuple):
        return axis
    if isinstance(axis, Uniform | LogUniform | IntUniform | Choice):
        raise TypeError("a random axis has no list of values")
    return axis.values


def _samples(axis: Drawn, seed: int, path: str, samples: int) -> list[JsonValue]:
    return [draw(axis, seed, path, sample) for sample in range(samples)]


def _at(place: int, name: str) -> tuple[str | int, ...]:
    return ("points", place, name)
