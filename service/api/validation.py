"""Invalid input in words: where it is, what was expected, what came, and what was probably meant.

Pydantic's errors locate a field by names, indices and the tags of unions passed on the way. The tags are of no use to
the person who wrote the body, so `Place` walks body and models together and leaves them out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from service.api.nearest import did_you_mean, unknown
from service.api.problems import ProblemError

_SHOWN = 3
_LONGEST_VALUE = 60


@dataclass(frozen=True)
class Place:
    """Where an error is: the path as its author would write it, and the model that holds the last field."""

    path: str
    holder: type[BaseModel] | None


def problem(errors: Sequence[Mapping[str, Any]], body: object, model: type[BaseModel] | None) -> ProblemError:
    """The 422 for pydantic's errors.

    Args:
        errors: as `errors()` gives them, locations starting with `body`, `query`, `path` or `header`.
        body: the parsed body, if there was one.
        model: the model of the body.
    """
    found = [_entry(error, body, model) for error in errors]
    unique = list({(entry["where"], entry["message"]): entry for entry in found}.values())
    lines = [f"{entry['where']}: {entry['message']}" for entry in unique[:_SHOWN]]
    more = f"; and {len(unique) - _SHOWN} more" if len(unique) > _SHOWN else ""
    return ProblemError("invalid", "; ".join(lines) + more, errors=unique)


def _entry(error: Mapping[str, Any], body: object, model: type[BaseModel] | None) -> dict[str, Any]:
    source, *location = error["loc"]
    if error["type"] == "json_invalid":
        position = location[0] if location else 0
        reason = error["ctx"]["error"]
        return {"in": "body", "where": "body", "message": f"is not JSON: {reason} at character {position}"}
    if source == "body":
        place = locate(location, body, model)
    else:
        place = Place(".".join(str(part) for part in location), None)
    return {"in": source, "where": place.path or source, "message": _message(error, place)}


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
        elif last and isinstance(value, dict) and part != value.get("kind"):
            path, holder = _join(path, part), inner
    return Place(path, holder)


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


def _message(error: Mapping[str, Any], place: Place) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            name = str(error["loc"][-1])
            known = list(place.holder.model_fields) if place.holder else []
            expected = f"; expected {', '.join(known)}" if known else ""
            return f"is not a field{expected}{did_you_mean(name, known)}"
        case "union_tag_invalid":
            kinds = [kind.strip("' ") for kind in context["expected_tags"].split(",")]
            return unknown("kind", str(context["tag"]), kinds)
        case "union_tag_not_found":
            return "needs a field `kind` that says which variant it is"
        case "value_error" | "assertion_error":
            return str(context.get("error", error["msg"]))
        case _:
            return f"{_expected(str(error['msg']))}; came {shown(error.get('input'))}"


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
