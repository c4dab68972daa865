"""Spec files in YAML or JSON: read, checked, and every mistake reported with its line."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from holonomy.errors import BadFile
from schemas.brackets import Brackets
from schemas.diagnostic import Diagnostic
from schemas.jobs import AnyJob
from schemas.mistakes import closest, locate, what
from schemas.replicas import Replicas
from schemas.schedules import ScheduleRequest
from schemas.sweeps import Sweep, SweepMistake, expand
from schemas.training import Training

SHOWN_MISTAKES = 10
MODELS: dict[object, type[BaseModel]] = {
    "training": Training,
    "brackets": Brackets,
    "replicas": Replicas,
    "diagnostic": Diagnostic,
    "sweep": Sweep,
}


_spec: TypeAdapter[AnyJob | Sweep] = TypeAdapter(Annotated[AnyJob | Sweep, Field(discriminator="kind")])


def read_spec(path: str) -> AnyJob | Sweep:
    """The spec of a job or a sweep in a file; `-` reads standard input.

    Raises:
        BadFile: the file is missing, is neither YAML nor JSON, or does not hold a valid spec.
    """
    return parse_spec(*_contents(path))


def read_schedule(path: str) -> ScheduleRequest:
    """The schedule in a file, its sweep or job within it; `-` reads standard input.

    Raises:
        BadFile: as for `read_spec`.
    """
    text, name = _contents(path)
    value, node = _mapping(text, name, "a schedule, a mapping with `name`, `cron` and `sweep`")
    with _explained(value, node, name, ScheduleRequest):
        request = ScheduleRequest.model_validate(value)
        if isinstance(request.sweep, Sweep):
            expand(request.sweep)
        return request


def parse_spec(text: str, name: str) -> AnyJob | Sweep:
    """The spec in a text; `name` is what messages call it."""
    kinds = "`kind: training`, `brackets`, `replicas`, `diagnostic` or `sweep`"
    value, node = _mapping(text, name, f"a spec, a mapping with {kinds}")
    with _explained(value, node, name, MODELS.get(value.get("kind"))):
        spec = _spec.validate_python(value)
        if isinstance(spec, Sweep):
            expand(spec)  # what is wrong with one of its jobs is told before anything is sent
        return spec


def _contents(path: str) -> tuple[str, str]:
    """The text of a file, and what messages call it."""
    return (sys.stdin.read(), "standard input") if path == "-" else (_text(Path(path)), path)


def _mapping(text: str, name: str, expected: str) -> tuple[dict[str, Any], yaml.Node | None]:
    value, node = _parse(text, name)
    _refuse_repeated_keys(node, name)
    if not isinstance(value, dict):
        raise BadFile(f"{name}: expected {expected}")
    return value, node


@contextmanager
def _explained(
    value: dict[str, Any], node: yaml.Node | None, name: str, model: type[BaseModel] | None
) -> Iterator[None]:
    """Turns what is wrong with a value into lines that say where in the file it stands."""
    try:
        yield
    except SweepMistake as mistake:
        at = ("sweep", *mistake.at) if model is ScheduleRequest else mistake.at
        raise BadFile(f"{_line(at, node, name)}: {mistake}") from None
    except ValidationError as error:
        mistakes = closest(error.errors(include_url=False), value)
        lines = [_mistake(dict(item), value, node, name, model) for item in mistakes[:SHOWN_MISTAKES]]
        if len(mistakes) > SHOWN_MISTAKES:
            lines.append(f"{name}: and {len(mistakes) - SHOWN_MISTAKES} more")
        raise BadFile("\n".join(lines)) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadFile(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadFile(f"{path} is not UTF-8 text: a spec file is YAML or JSON") from None


def _parse(text: str, name: str) -> tuple[Any, yaml.Node | None]:
    """The value, and the YAML tree that knows its lines. JSON is read as such first: tabs are allowed in it."""
    try:
        value = json.loads(text)
    except ValueError:
        return _parse_yaml(text, name)
    try:
        return value, yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return value, None


def _parse_yaml(text: str, name: str) -> tuple[Any, yaml.Node | None]:
    try:
        return yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = name if mark is None else f"{name}:{mark.line + 1}"
        raise BadFile(f"{where}: this is not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise BadFile(f"{name}: this is not YAML: {error}") from None


def _refuse_repeated_keys(node: yaml.Node | None, name: str) -> None:
    """YAML and JSON let the last of equal keys win, which hides a mistake."""
    if isinstance(node, yaml.MappingNode):
        lines = dict[object, int]()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in lines:
                raise BadFile(f"{name}:{line}: `{key.value}` is given twice; it was given on line {lines[key.value]}")
            lines[key.value] = line
            _refuse_repeated_keys(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item, name)


def _mistake(
    item: dict[str, Any], value: dict[str, Any], root: yaml.Node | None, name: str, model: type[BaseModel] | None
) -> str:
    place = locate(item["loc"], value, model)
    return ": ".join(part for part in (_where(item, root, name), place.path, what(item, place)) if part)


def _where(item: dict[str, Any], root: yaml.Node | None, name: str) -> str:
    """The file, and the line of what is wrong."""
    mistake = item.get("ctx", {}).get("error")
    inside = mistake.at if isinstance(mistake, SweepMistake) else ()
    tag = ("kind",) if item["type"] == "union_tag_invalid" else ()
    return _line((*item["loc"], *inside, *tag), root, name)


def _line(location: Sequence[str | int], root: yaml.Node | None, name: str) -> str:
    """The file, and the line of the innermost part of the location that the file holds."""
    node = root
    for part in location:
        # Locations also name the variant of a union, which the file does not hold.
        node = _child(node, part) or node
    return name if node is None else f"{name}:{node.start_mark.line + 1}"


def _child(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        found = node.value[part]
        return found if isinstance(found, yaml.Node) else None
    return None
