"""Spec files in YAML or JSON: read, checked, and every mistake reported with its line."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from holonomy.errors import BadFile
from schemas.brackets import Brackets
from schemas.diagnostic import Diagnostic
from schemas.jobs import job_spec
from schemas.training import Training

SHOWN_MISTAKES = 10


def read_spec(path: str) -> Training | Brackets | Diagnostic:
    """The spec in a file; `-` reads standard input.

    Raises:
        BadFile: the file is missing, is neither YAML nor JSON, or does not hold a valid spec.
    """
    name, text = ("standard input", sys.stdin.read()) if path == "-" else (path, _text(Path(path)))
    return parse_spec(text, name)


def parse_spec(text: str, name: str) -> Training | Brackets | Diagnostic:
    """The spec in a text; `name` is what messages call it."""
    value, node = _parse(text, name)
    _refuse_repeated_keys(node, name)
    if not isinstance(value, dict):
        raise BadFile(f"{name}: expected a job spec, a mapping with `kind: brackets`, `training` or `diagnostic`")
    try:
        return job_spec.validate_python(value)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        lines = [_mistake(dict(item), node, name) for item in mistakes[:SHOWN_MISTAKES]]
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


def _mistake(item: dict[str, Any], root: yaml.Node | None, name: str) -> str:
    location = tuple(item["loc"]) + (("kind",) if item["type"].startswith("union_tag") else ())
    node, shown = root, list[str]()
    for index, part in enumerate(location):
        below = _child(node, part)
        # Locations also name the variant of a union, which the file does not hold; a missing field comes last.
        last = index == len(location) - 1
        if below is not None or (last and item["type"] in ("missing", "union_tag_not_found")):
            shown.append(str(part))
        node = node if below is None else below
    where = name if node is None else f"{name}:{node.start_mark.line + 1}"
    return ": ".join(part for part in (where, ".".join(shown), _what(item)) if part)


def _what(item: dict[str, Any]) -> str:
    """What was expected, and what came."""
    match item["type"]:
        case "union_tag_invalid":
            return f"expected one of {item['ctx']['expected_tags']}; came '{item['ctx']['tag']}'"
        case "union_tag_not_found":
            return "expected a field `kind` that says which variant this is"
        case "missing":
            return "expected, but not given"
        case "extra_forbidden":
            return "there is no such field"
    message = str(item["msg"]).removeprefix("Value error, ")
    value = item["input"]
    return f"{message} (came {value!r})" if isinstance(value, str | int | float) else message


def _child(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        found = node.value[part]
        return found if isinstance(found, yaml.Node) else None
    return None
