"""The factors of a sweep's grid, from the slowest to the fastest: axes, random samples, listed points, seeds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod

from pydantic import JsonValue

from schemas.nearest import did_you_mean
from schemas.sweeps.axes import MAX_SWEEP_JOBS, AnyAxis, Drawn, Fixed
from schemas.sweeps.draws import draw
from schemas.sweeps.mistake import SweepMistake
from schemas.sweeps.paths import spelled
from schemas.sweeps.settings import Dimension, Fields, Setting, parsed

Axes = Mapping[str, AnyAxis]
Zipped = Sequence[Sequence[str]]


def fixed_axes(axes: Axes) -> dict[str, Fixed]:
    """The axes that are listed or spaced, in their order."""
    return {name: axis for name, axis in axes.items() if not isinstance(axis, Drawn)}


def random_axes(axes: Axes) -> dict[str, Drawn]:
    """The axes that are drawn at random, in their order."""
    return {name: axis for name, axis in axes.items() if isinstance(axis, Drawn)}


def axis_length(axis: Fixed) -> int:
    """How many values an axis has."""
    return len(axis) if isinstance(axis, tuple) else axis.count


def check_zipped(axes: Axes, zipped: Zipped) -> None:
    """Raises SweepMistake unless every group names axes of one length, each in one group only."""
    fixed = fixed_axes(axes)
    seen = set[str]()
    for place, group in enumerate(zipped):
        at = ("zipped", place)
        if len(group) < 2:
            raise SweepMistake(f"zipped group {place}: expected two axes or more; came {len(group)}", *at)
        for name in group:
            if name not in axes:
                raise SweepMistake(f"zipped names {name!r}, which is not an axis{did_you_mean(name, axes)}", *at)
            if name in seen:
                raise SweepMistake(f"zipped names {name!r} more than once", *at)
            if name not in fixed:
                raise SweepMistake(
                    f"zipped names {name!r}, which is drawn at random: all random axes are drawn together already",
                    *at,
                )
            seen.add(name)
        lengths = {name: axis_length(fixed[name]) for name in group}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} has {length:,}" for name, length in lengths.items())
            raise SweepMistake(f"axes zipped together need equally many values; {told}", *at)


def grid_groups(fixed: Iterable[str], zipped: Zipped) -> Iterator[tuple[str, ...]]:
    """Axes that advance together, in the order in which the first of each group is given."""
    group_of = {name: tuple(group) for group in zipped for name in group}
    done = set[str]()
    for name in fixed:
        if name not in done:
            group = group_of.get(name, (name,))
            done.update(group)
            yield group


def grid_dimensions(fields: Fields, axes: Axes, zipped: Zipped) -> Iterator[Dimension]:
    """A factor for each group of axes whose values are known."""
    fixed = fixed_axes(axes)
    for group in grid_groups(fixed, zipped):
        columns = [fields.settings(name, _values(fixed[name]), ("axes", name)) for name in group]
        yield tuple(zip(*columns, strict=True))


def random_dimension(fields: Fields, axes: Axes, seed: int, samples: int) -> Dimension:
    """One factor with a sample of all random axes at each place."""
    columns = list[list[Setting]]()
    for name, axis in random_axes(axes).items():
        at = ("axes", name)
        path = spelled(parsed(name, at))
        drawn = [draw(axis, seed, path, sample) for sample in range(samples)]
        columns.append(fields.settings(name, drawn, at))
    return tuple(zip(*columns, strict=True))


def listed_dimension(fields: Fields, points: Sequence[Mapping[str, JsonValue]]) -> Dimension:
    """One factor with a listed point at each place."""
    return tuple(
        tuple(
            setting for name, value in point.items() for setting in fields.settings(name, [value], _at(place, name))
        )
        for place, point in enumerate(points)
    )


def check_size(sizes: Sequence[int]) -> None:
    """Raises SweepMistake, with the arithmetic, for a grid whose factors have a product beyond the limit."""
    total = prod(sizes)
    if total > MAX_SWEEP_JOBS:
        factors = " × ".join(f"{size:,}" for size in sizes if size > 1)
        raise SweepMistake(
            f"{factors} = {total:,} jobs; a sweep has at most {MAX_SWEEP_JOBS:,}: take fewer values, zip axes, "
            "draw samples at random, or make several sweeps"
        )


def _values(axis: Fixed) -> Sequence[JsonValue]:
    return axis if isinstance(axis, tuple) else axis.values


def _at(place: int, name: str) -> tuple[str | int, ...]:
    return ("points", place, name)
