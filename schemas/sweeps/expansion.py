"""The jobs of a sweep, in the order of its grid."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import to_jsonable_python

from schemas.canonical import canonical_json
from schemas.jobs import AnyJob
from schemas.mistakes import explain, locate
from schemas.sweeps.constraints import BadConstraint, Constraint
from schemas.sweeps.mistake import SweepMistake
from schemas.sweeps.paths import FieldPath, NoSuchField, child, lookup, overlap, parse_path, spelled
from schemas.sweeps.settings import Assignment, Place, Setting, described
from schemas.sweeps.sweep import Sweep
from schemas.training import Training


@dataclass(frozen=True)
class Point:
    """One job of a sweep."""

    position: int
    """Its place in the sweep, from 0."""
    varied: dict[str, JsonValue]
    """What was varied, by path, as it stands in the spec; the seed included."""
    spec: AnyJob
    """The job."""


def expand(sweep: Sweep) -> tuple[Point, ...]:
    """The jobs of a sweep: those that satisfy its constraints, each once, the first of equal ones.

    Raises:
        SweepMistake: a job is invalid, a constraint has no answer for it, or no job is left.
    """
    constraints = sweep.parsed_constraints()
    points = list[Point]()
    seen = set[bytes]()
    for number, assignments in enumerate(itertools.product(*sweep.dimensions())):
        settings = tuple(itertools.chain.from_iterable(assignments))
        candidate = _candidate(sweep, settings, number)
        if not all(_holds(constraint, candidate, settings, number, sweep) for constraint in constraints):
            continue
        spec = _valid(sweep, candidate, settings, number)
        key = canonical_json(spec)
        if key not in seen:
            seen.add(key)
            points.append(Point(len(points), _varied(spec, settings), spec))
    if not points:
        raise SweepMistake(
            "no job is left: the constraints exclude all of them; widen an axis or drop a constraint", "constraints"
        )
    return tuple(points)


@dataclass
class _Tree:
    """Fields to be set, by their parts: `setting` is the number of the setting of this very field."""

    setting: int | None = None
    parts: "dict[str | int, _Tree]" = field(default_factory=dict)


@lru_cache(maxsize=1024)
def _tree(paths: tuple[FieldPath, ...]) -> _Tree:
    root = _Tree()
    for number, path in enumerate(paths):
        node = root
        for part in path:
            node = node.parts.setdefault(part, _Tree())
        node.setting = number
    return root


def _candidate(sweep: Sweep, settings: Assignment, number: int) -> Any:
    tree = _tree(tuple(setting.path for setting in settings))
    try:
        return _assembled(sweep.base, tree, settings, ())
    except NoSuchField as error:
        raise SweepMistake(f"{_point(number, settings)}: {error}", *settings[0].at) from None


def _assembled(value: Any, tree: _Tree, settings: Assignment, path: FieldPath) -> Any:
    """The value with the fields of the tree set, the whole before its parts; only what leads there is taken apart."""
    if tree.setting is not None:
        value = settings[tree.setting].value
    if not tree.parts:
        return value
    fields = _taken_apart(value, tree)
    for part, inner in tree.parts.items():
        here = (*path, part)
        # A name that free options do not have yet is added to them; everything else must be there.
        is_new = isinstance(value, Mapping) and isinstance(part, str) and part not in value
        before = None if is_new else child(value, here, len(path))
        fields[part] = _assembled(before, inner, settings, here)
    return fields


def _taken_apart(value: Any, tree: _Tree) -> Any:
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        if isinstance(value, Training) and "steps" in tree.parts and "checkpoints" not in tree.parts:
            # The last step is a checkpoint because it is the last: it moves with the end of the run.
            fields["checkpoints"] = tuple(step for step in value.checkpoints if step != value.steps)
        return fields
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, list | tuple) else value


def _holds(constraint: Constraint, candidate: Any, settings: Assignment, number: int, sweep: Sweep) -> bool:
    try:
        return constraint.holds(candidate)
    except BadConstraint as error:
        place = sweep.constraints.index(constraint.text)
        raise SweepMistake(
            f"constraint {constraint.text!r}, {_point(number, settings)}: {error}", "constraints", place
        ) from None


def _valid(sweep: Sweep, candidate: Any, settings: Assignment, number: int) -> AnyJob:
    try:
        return type(sweep.base).model_validate(candidate)
    except ValidationError as error:
        said = explain(error, type(sweep.base), candidate)
        raise SweepMistake(f"{_point(number, settings)}: {said}", *_culprit(error, candidate, settings)) from None


def _culprit(error: ValidationError, candidate: Any, settings: Assignment) -> Place:
    """Where the setting is written that an error is about; all of them, where it is about no single one."""
    where = locate(error.errors(include_url=False)[0]["loc"], candidate, None).path
    blamed = (setting.at for setting in settings if where and overlap(setting.path, parse_path(where)))
    return next(blamed, None) or _common([setting.at for setting in settings])


def _common(places: Sequence[Place]) -> Place:
    """What several places lie in; those of seeds, which are in all jobs, only where there is no other."""
    chosen = [place for place in places if place[0] != "seeds"] or places
    shared = itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*chosen, strict=False))
    return tuple(parts[0] for parts in shared)


def _varied(spec: AnyJob, settings: Assignment) -> dict[str, JsonValue]:
    return {setting.name: _standing(spec, setting) for setting in settings}


def _standing(spec: AnyJob, setting: Setting) -> JsonValue:
    try:
        value = lookup(spec, setting.path)
    except NoSuchField:
        raise _moved(setting) from None
    if value is None or isinstance(value, int | float | str):
        if isinstance(setting.path[-1], int) and not _same(setting.value, value):
            raise _moved(setting)
        return value
    plain: JsonValue = to_jsonable_python(value)
    return plain


def _same(given: object, standing: object) -> bool:
    if isinstance(given, str) and isinstance(standing, int | float):
        return float(given) == standing
    return given == standing


def _moved(setting: Setting) -> SweepMistake:
    whole = spelled(setting.path[:-1])
    return SweepMistake(
        f"{described([setting])}: the spec puts this list in order, so that it stands elsewhere; "
        f"vary {whole} as a whole",
        *setting.at,
    )


def _point(number: int, settings: Assignment) -> str:
    return f"point {number} ({described(settings)})" if settings else "the base"
