"""A comparison in words: one sentence for each change, one for what did not change, and what is missing."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isnan

from holonomy.compare.comparison import Comparison
from holonomy.compare.metrics import BRACKET_RMS, END_DISTANCE, END_LOSS, MEDIAN_DEFECT, Metric
from holonomy.compare.rows import Row
from holonomy.compare.sides import group_text
from holonomy.compare.statistics import Effect
from holonomy.leaves import Leaf

NAMED: dict[Metric, str] = {
    MEDIAN_DEFECT: "order dependence",
    BRACKET_RMS: "bracket RMS",
    END_DISTANCE: "mean end distance",
    replace(END_LOSS, step=None): "test loss",
}
"""What usual metrics are called, whatever the step."""
SHOWN = 5
"""Changes, and fields of the recipe, that are listed; the table has them all."""
TWICE = 2.0
"""From this factor on, either way, a ratio is given as a factor and not in per cent."""


def sentences(found: Comparison) -> Iterator[str]:
    """The comparison, one sentence after the other; the verdict comes first."""
    changed = [row for row in found.rows if row.verdict == "changed"]
    largest = sorted(changed, key=_clarity, reverse=True)
    for row in largest[:SHOWN]:
        yield f"{subject(row)} {movement(row)}: changed"
    if len(changed) > SHOWN:
        yield f"and {len(changed) - SHOWN} more of {len(found.rows)} comparisons changed"
    if not changed:
        yield _unchanged(found)
    if found.recipe:
        yield _recipe(found)
    yield from _missing(found)
    yield from _first(found.remarks)


def subject(row: Row) -> str:
    """What is compared, and where."""
    anywhere = replace(row.metric, step=None)
    name = NAMED.get(anywhere, str(anywhere))
    arm = "" if row.place.arm is None else f" of arm {row.place.arm}"
    step = "" if row.place.step is None else f" at step {row.place.step}"
    group = group_text(row.group, short=True)
    return f"{name}{arm}{step.replace('step last', 'the last step')}{f' ({group})' if group else ''}"


def movement(row: Row) -> str:
    """How far it moved: `rose by 12 % [5 %, 20 %] (g = 1.8, 5 against 5 seeds)`."""
    if row.effect is None:
        return f"cannot be compared ({_seeds(row)})"
    size = "" if isnan(row.effect.g) else f"g = {row.effect.g:.2g}, "
    return f"{_by(row.effect)} ({size}{_seeds(row)})"


def _by(found: Effect) -> str:
    falls = found.shift < 0
    verb = "fell" if falls else "rose"
    if found.scale == "difference":
        sign = -1.0 if falls else 1.0
        low, high = sorted((sign * found.low, sign * found.high))
        return f"{verb} by {sign * found.estimate:.3g} [{low:.3g}, {high:.3g}]"
    if not 1 / TWICE <= found.estimate <= TWICE:
        return f"{verb} to {found.estimate:.2g} times [{found.low:.2g}, {found.high:.2g}]"
    low, middle, high = (value - 1 for value in (found.low, found.estimate, found.high))
    if falls:
        low, middle, high = -high, -middle, -low
    return f"{verb} by {percent(middle)} [{percent(low)}, {percent(high)}]"


def percent(share: float) -> str:
    """A share in per cent, with two significant digits where it is below 10 %."""
    if abs(share) < 0.0005 and share != 0:
        return f"{100 * share:.1g} %"
    digits = 0 if abs(share) >= 0.1 else 1
    return f"{100 * share:.{digits}f} %".replace("-0 %", "0 %")


def noticed(found: Effect) -> str:
    """The smallest change that would have been noticed."""
    if found.scale == "difference":
        return f"{found.noticed:.2g}"
    return percent(found.noticed) if found.noticed < 1 else f"a factor of {1 + found.noticed:.2g}"


def _unchanged(found: Comparison) -> str:
    effects = [row.effect for row in found.rows if row.effect is not None]
    count = _counted(len(found.rows), "comparison")
    if found.incomplete:
        complete = sum(row.verdict != "incomplete" for row in found.rows)
        return f"no change seen in {complete} of {count}; what is missing below may hide one"
    if all(row.identical for row in found.rows):
        return f"no change: equal seeds gave bitwise equal values in {count}"
    beyond = f" beyond {percent(found.threshold)}" if found.threshold else ""
    ratios = [one for one in effects if one.scale == "ratio"]
    chosen = ratios or effects
    by_size = sorted(chosen, key=lambda one: one.noticed)
    first, last = noticed(by_size[0]), noticed(by_size[-1])
    if first == last:
        return f"no change{beyond} in {count}; one of {first} would have been noticed"
    return f"no change{beyond} in {count}; one of {first} would have been noticed in the surest, of {last} in any"


def _recipe(found: Comparison) -> str:
    listed = [f"{path} {_value(a)} → {_value(b)}" for path, (a, b) in found.recipe.items()]
    more = f" and {len(listed) - SHOWN} more fields" if len(listed) > SHOWN else ""
    return f"the recipes differ: {'; '.join(listed[:SHOWN])}{more}"


def _missing(found: Comparison) -> Iterator[str]:
    for name, count in zip((found.a, found.b), found.ended, strict=True):
        if count:
            yield f"{name}: {_counted(count, 'job')} failed or {'was' if count == 1 else 'were'} cancelled"
    yield from _first([f"not compared: {group_text(group)}, for {why}" for group, why in found.left_out])
    yield from _first([_lost(row) for row in found.rows if row.a.lost or row.b.lost])
    yield from _first([_diverged(row) for row in found.rows if row.a.lost_rows or row.b.lost_rows])
    if found.undefined:
        yield f"{_counted(found.undefined, 'comparison')} left out: no job of either side has a value there"


def _lost(row: Row) -> str:
    counts = f"{row.a.lost} of {row.a.jobs} against {row.b.lost} of {row.b.jobs} jobs"
    return f"{subject(row)}: no finite value in {counts}"


def _diverged(row: Row) -> str:
    return f"{subject(row)}: {row.a.lost_rows} against {row.b.lost_rows} rows without a finite value are left out"


def _first(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"and {len(lines) - SHOWN} more like the last"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _seeds(row: Row) -> str:
    return f"{len(row.a.by_seed)} against {len(row.b.by_seed)} seeds"


def _value(value: Leaf) -> str:
    return "none" if value is None else str(value)


def _clarity(row: Row) -> float:
    """By how many half widths a change lies beyond no change."""
    found = row.effect
    return 0.0 if found is None or found.half_width == 0 else abs(found.shift) / found.half_width
