"""Invalid input in words: where it is, what was expected, what came, and what was probably meant.

Pydantic's errors locate a field by names, indices and the tags of unions passed on the way. The tags are of no use to
the person who wrote the input, so `Place` walks input and models together and leaves them out.
"""

import itertools
import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from schemas.nearest import did_you_mean, unknown

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
"""What names consist of."""
_LONGEST_VALUE = 60


class InvalidSpec(ValueError):
    """A spec was made of what cannot be one; one line says which field, what was expected and what came."""


@dataclass(frozen=True)
class Place:
    """Where an error is: the path as its author would write it, and the model that holds the last field."""

    path: str
    holder: type[BaseModel] | None


def locate(location: Sequence[str | int], body: object, model: type[BaseModel] | None) -> Place:
    """Walk a location through the body, dropping what is a tag of a union and not a field."""
    path, value, holder, inner = "", body, model, model
    for depth, part in enumerate(location):
        last = depth == len(location) - 1
        if isinstance(part, int):
            path += f"[{part}]"
            value = value[part] if isinstance(value, list | tuple) and part < len(value) else None
        elif isinstance(value, dict) and part in value:
            path, value = _join(path, part), value[part]
            holder, inner = inner, _model_of_field(inner, part, value)
        elif last and isinstance(value, dict) and part != value.get("kind") and "[" not in part:
            path, holder = _join(path, part), inner
    return Place(path, holder)


def closest(errors: Sequence[Mapping[str, Any]], body: object) -> list[Mapping[str, Any]]:
    """Errors without those of members of a union that the input was never meant for.

    Where a value may be a word, a list or an object, pydantic says of each how the value differs from it. The one
    whose error lies within the value, or is not about its type, came closest: the others, which want another type
    altogether, are left out. If all want another type, they become one error of the type `alternatives`.
    """
    paths = [locate(error["loc"], body, None).path for error in errors]
    ordered = sorted(set(paths))
    found = list[Mapping[str, Any]]()
    for path, group in itertools.groupby(zip(errors, paths, strict=True), key=lambda pair: pair[1]):
        mine = [error for error, _ in group]
        if _begins_another(path, ordered):
            # `too_short` counts what is left of a list once invalid items are gone.
            found.extend(error for error in mine if error["type"] not in _OTHER_TYPE | {"too_short"})
        elif len(mine) > 1 and all(error["type"] in _OTHER_TYPE for error in mine):
            found.append({**mine[0], "type": "alternatives", "ctx": {"errors": mine}})
        else:
            found.extend([error for error in mine if error["type"] not in _OTHER_TYPE] or mine)
    return found


def _begins_another(path: str, ordered: Sequence[str]) -> bool:
    """Whether a field of what is at `path` is among the paths, which are in ascending order: there may be many."""
    for opening in (f"{path}.", f"{path}["):
        place = bisect_left(ordered, opening)
        if place < len(ordered) and ordered[place].startswith(opening):
            return True
    return False


def _join(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part


def _model_of_field(model: type[BaseModel] | None, name: str, value: object) -> type[BaseModel] | None:
    """The model that a field's value is checked against: of a union, the member whose `kind` came."""
    field = model.model_fields.get(name) if model else None
    if field is None:
        return None
    members = list(_models_in(field.annotation))
    if len(members) == 1:
        return members[0]
    kind = value.get("kind") if isinstance(value, dict) else None
    return next((member for member in members if _kind_of(member) == kind), None)


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _kind_of(model: type[BaseModel]) -> object:
    return model.model_fields["kind"].default if "kind" in model.model_fields else None


def what(error: Mapping[str, Any], place: Place) -> str:
    """What was expected and what came, for one of pydantic's errors."""
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            name = str(error["loc"][-1])
            known = list(place.holder.model_fields) if place.holder else []
            expected = f"; expected {', '.join(known)}" if known else ""
            return f"is not a field{expected}{did_you_mean(name, known)}"
        case "string_pattern_mismatch" if context["pattern"] == NAME:
            return (
                "expected at most 100 letters, digits, dots, hyphens and underscores, the first a letter or a digit; "
                f"came {shown(error.get('input'))}"
            )
        case "union_tag_invalid":
            kinds = [kind.strip("' ") for kind in context["expected_tags"].split(",")]
            return unknown("kind", str(context["tag"]), kinds)
        case "union_tag_not_found":
            return "needs a field `kind` that says which variant it is"
        case "too_short":
            return f"expected at least {context['min_length']} of them; came {shown(error.get('input'))}"
        case "too_long":
            return f"expected at most {context['max_length']:,} of them; came {shown(error.get('input'))}"
        case "value_error" | "assertion_error":
            return str(context.get("error", error["msg"]))
        case "alternatives":
            wanted = [_wanted(other, place).removeprefix("expected ") for other in context["errors"]]
            return f"expected {', or '.join(wanted)}; came {shown(error.get('input'))}"
        case _:
            return f"{_wanted(error, place)}; came {shown(error.get('input'))}"


def _wanted(error: Mapping[str, Any], place: Place) -> str:
    kinds = _kinds_at(place) if error["type"] in _NO_OBJECT else []
    if kinds:
        return f"expected an object with `kind: {' | '.join(kinds)}`"
    return _EXPECTED.get(error["type"]) or _expected(str(error["msg"]))


def _kinds_at(place: Place) -> list[str]:
    """Kinds of the objects that the last field of a place may hold."""
    field = place.path.rsplit(".", 1)[-1].split("[", 1)[0]
    known = place.holder.model_fields.get(field) if place.holder else None
    kinds = [] if known is None else [_kind_of(model) for model in _models_in(known.annotation)]
    return [str(kind) for kind in kinds if kind is not None]


_NO_OBJECT = frozenset({"model_type", "model_attributes_type", "dict_type"})
_OTHER_TYPE = _NO_OBJECT | {"literal_error", "tuple_type"}
_EXPECTED = {
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "string_type": "expected text, which stands in quotes if it looks like something else",
    "tuple_type": "expected a list",
    "model_type": "expected an object with fields",
    "model_attributes_type": "expected an object with fields",
    "dict_type": "expected an object with fields",
}


def _one_for_a_list(location: Sequence[str | int], body: object) -> str | None:
    """What is wrong where one model came for a list of them; pydantic takes it for a list of its fields."""
    match location:
        case [str(field), int(), *_] if isinstance(body, Mapping) and isinstance(one := body.get(field), BaseModel):
            name = type(one).__name__
            return f"{field}: expected a list; came one {name}: put it into brackets, as in [{name}(…)]"
    return None


def _expected(message: str) -> str:
    for opening in ("Input should be ", "Input should "):
        if message.startswith(opening):
            return "expected " + message.removeprefix(opening)
    return message[:1].lower() + message[1:]


def shown(value: object) -> str:
    """A value, short enough for an error message."""
    match value:
        case dict():
            return f"an object with {len(value)} fields"
        case list() | tuple():
            return f"a list of {len(value)}"
        case bytes():
            return f"{len(value)} bytes"
    try:
        text = json.dumps(value, ensure_ascii=True)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def explain(error: ValidationError, model: type[BaseModel] | None = None, body: object = None) -> str:
    """A validation error as one line: where, what was expected and what came, for the first few mistakes.

    Args:
        error: What pydantic found.
        model: What the input was checked against, where that is known.
        body: The input.
    """
    found = dict[str, None]()  # each line once, in the order in which they came
    for item in closest(error.errors(include_url=False), body):
        if alone := _one_for_a_list(item["loc"], body):
            found[alone] = None
            continue
        place = locate(item["loc"], body, model)
        where = place.path or ".".join(str(part) for part in item["loc"])
        found[": ".join(part for part in (where, what(item, place)) if part)] = None
    lines = list(found)
    more = f"; and {len(lines) - 3} more" if len(lines) > 3 else ""
    return "; ".join(lines[:3]) + more
