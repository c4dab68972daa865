"""Paths of fields in a spec: `optimizer.lr`, `arms[0].perturbations[0].epsilon`, `model.channels[1]`."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from schemas.nearest import did_you_mean

FieldPath = tuple[str | int, ...]
"""Names of fields and, of what stands in a list, places from 0."""
_PATH = re.compile(r"[A-Za-z_]\w*(\[\d{1,9}\])*(\.[A-Za-z_]\w*(\[\d{1,9}\])*)*", re.ASCII)
_PART = re.compile(r"[A-Za-z_]\w*|\[\d+\]")


class NoSuchField(ValueError):
    """A path that leads nowhere."""


def parse_path(text: str) -> FieldPath:
    """The parts of a path.

    Raises:
        NoSuchField: it is not written as a path is.
    """
    if _PATH.fullmatch(text) is None:
        raise NoSuchField(
            f"{text!r} is not the path of a field: expected names joined by dots, with places of lists in brackets, "
            "as in `optimizer.lr` or `arms[0].perturbations[0].epsilon`"
        )
    return tuple(int(part[1:-1]) if part[0] == "[" else part for part in _PART.findall(text))


def spelled(path: FieldPath) -> str:
    """The path as text."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def overlap(one: FieldPath, other: FieldPath) -> bool:
    """Whether one path is, or leads through, the other."""
    return all(a == b for a, b in zip(one, other, strict=False))


def child(value: object, path: FieldPath, depth: int) -> Any:
    """What `path[depth]` is of a value that stands at `path[:depth]`.

    Raises:
        NoSuchField: it has no such part; the message names those that are closest.
    """
    part = path[depth]
    if isinstance(part, int):
        return _element(value, path, depth, part)
    if isinstance(value, BaseModel):
        if part in type(value).model_fields:
            return getattr(value, part)
        names = [name for name in type(value).model_fields if name != "kind"]
    elif isinstance(value, Mapping):
        if part in value:
            return value[part]
        names = [str(name) for name in value if name != "kind"]
    else:
        raise NoSuchField(f"{spelled(path)}: {_nothing_inside(value, path, depth)}")
    among = f"expected one of {', '.join(names)}" if names else "it has none"
    raise NoSuchField(
        f"{spelled(path)}: {part!r} is not a field of {_holder(value, path[:depth])}; "
        f"{among}{did_you_mean(part, names)}"
    )


def lookup(value: object, path: FieldPath) -> Any:
    """What a path leads to.

    Raises:
        NoSuchField: nothing.
    """
    for depth in range(len(path)):
        value = child(value, path, depth)
    return value


def _element(value: object, path: FieldPath, depth: int, place: int) -> Any:
    if not isinstance(value, list | tuple):
        holder = spelled(path[:depth]) or "the spec"
        raise NoSuchField(f"{spelled(path)}: {holder} is not a list, so it has no place {place}")
    if place >= len(value):
        have = f"has {len(value)}, numbered from 0" if value else "is empty"
        raise NoSuchField(f"{spelled(path)}: there is no place {place}; {spelled(path[:depth])} {have}")
    return value[place]


def _holder(value: object, path: FieldPath) -> str:
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    if not path:
        return f"a {kind} job"
    return spelled(path) if kind in (None, path[-1]) else f"{spelled(path)}, which is {kind}"


def _nothing_inside(value: object, path: FieldPath, depth: int) -> str:
    holder = spelled(path[:depth])
    if value is None:
        return f"{holder} is not set in the base; set it there, or vary {holder} as a whole"
    if isinstance(value, list | tuple):
        return f"{holder} is a list; name a place of it, as in {holder}[0]"
    return f"{holder} is a single value and has no fields"
