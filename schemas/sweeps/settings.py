"""Settings: a field of the base, by its path, and the value it is to have; checked as early as they can be."""

import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError, create_model

from schemas.base import Spec
from schemas.mistakes import explain, shown
from schemas.sweeps.mistake import SweepMistake
from schemas.sweeps.paths import FieldPath, NoSuchField, child, lookup, parse_path, spelled

Place = tuple[str | int, ...]
"""Where in the sweep something was written."""


@dataclass(frozen=True)
class Setting:
    """What one field is to be."""

    path: FieldPath
    name: str
    """The path as text, always spelled the same way."""
    value: Any
    at: Place


Assignment = tuple[Setting, ...]
Dimension = tuple[Assignment, ...]
"""One factor of the grid: assignments of which each job has one."""


class Fields:
    """The fields of the base that a sweep sets."""

    def __init__(self, base: BaseModel, paths: Collection[FieldPath]) -> None:
        self._base = base
        self._paths = frozenset(paths)

    def settings(self, text: str, values: Collection[object], at: Place) -> list[Setting]:
        """One setting per value, coerced where the type of the field is known before the job is.

        Raises:
            SweepMistake: there is no such field, or it cannot have one of the values.
        """
        path = parsed(text, at)
        name = spelled(path)
        if path[-1] == "kind":
            raise SweepMistake(_whole_variant(path), *at)
        # Below a field that is varied itself, what there is depends on its value.
        if any(path[:depth] in self._paths for depth in range(1, len(path))):
            return _unchecked(path, values, at)
        holder = self._holder(path, at)
        last = path[-1]
        if not isinstance(holder, BaseModel) or isinstance(last, int):
            return _unchecked(path, values, at)
        found = list[Setting]()
        for place, value in enumerate(values):
            here = (*at, place) if len(values) > 1 else at
            try:
                found.append(Setting(path, name, coerced(type(holder), last, value), here))
            except ValidationError as error:
                which = f" (value {place + 1} of {len(values)})" if len(values) > 1 else ""
                said = name.removesuffix(last) + explain(error, type(holder), {last: value})
                raise SweepMistake(said + which, *here) from None
        return found

    def _holder(self, path: FieldPath, at: Place) -> object:
        try:
            holder = lookup(self._base, path[:-1])
            if not isinstance(holder, Mapping):  # free options may gain a name
                child(holder, path, len(path) - 1)
        except NoSuchField as error:
            raise SweepMistake(str(error), *at) from None
        return holder


def _unchecked(path: FieldPath, values: Collection[object], at: Place) -> list[Setting]:
    """Settings whose values are checked with the job that they are set in."""
    places = [(*at, place) for place in range(len(values))] if len(values) > 1 else [at]
    return [Setting(path, spelled(path), value, here) for value, here in zip(values, places, strict=True)]


def parsed(text: str, at: Place) -> FieldPath:
    """A path, from where it was written.

    Raises:
        SweepMistake: it is not one.
    """
    try:
        return parse_path(text)
    except NoSuchField as error:
        raise SweepMistake(str(error), *at) from None


def coerced(holder: type[BaseModel], field: str, value: object) -> Any:
    """A value as the field of a model holds it, whatever the model's other fields are.

    Raises:
        ValidationError: the field cannot hold it.
    """
    return getattr(_alone(holder, field).model_validate({field: value}), field)


def described(assignment: Collection[Setting]) -> str:
    """The settings of a job in words."""
    return ", ".join(f"{setting.name} = {_brief(setting.value)}" for setting in assignment)


def _brief(value: object) -> str:
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    return shown(value) if kind is None else f"{kind}(…)"


@cache
def _alone(holder: type[BaseModel], field: str) -> type[BaseModel]:
    """A model of one field of another model, as that one declares it."""
    own = (inspect.get_annotations(cls) for cls in holder.__mro__)
    annotation = next(names[field] for names in own if field in names)
    fields: dict[str, Any] = {field: (annotation, ...)}
    return create_model(holder.__name__, __base__=Spec, **fields)


def _whole_variant(path: FieldPath) -> str:
    if len(path) == 1:
        return "kind: all jobs of a sweep are of the kind of its base; make a sweep for each kind"
    whole = spelled(path[:-1])
    return f"{spelled(path)}: the variants of {whole} have different fields; vary {whole} as a whole, by objects"
