"""Writes the reference page of specs from the models themselves.

`python -m schemas.dictionary` writes `docs/reference/specs.md`; with `--check` it says whether that has drifted.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from schemas import markdown
from schemas.generated import keep
from schemas.jobs import AnyJob
from schemas.sweeps import Sweep

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "specs.md"
SECTIONS: dict[str, tuple[str, ...]] = {
    "Jobs": ("Brackets", "Replicas", "Training", "Diagnostic"),
    "Sweeps": ("Sweep", "LinSpace", "LogSpace", "Uniform", "LogUniform", "IntUniform", "Choice"),
    "Data": ("Digits", "Idx", "Images", "LabelControls", "Text", "RegistryData"),
    "Choices of examples": ("First", "Indices", "Random"),
    "Pairs and directions": ("TopPairs", "TestLoss", "TestLogit", "SavedDirection"),
    "Orders of examples": ("Reorderings", "Swaps", "Shuffles", "ListedOrders"),
    "Replicas and what is measured of them": (
        "Arm",
        "Every",
        "LogSpaced",
        "Listed",
        "Measures",
        "Alignment",
        "Barriers",
        "Lyapunov",
        "Growth",
        "Bootstrap",
    ),
    "Moves of parameters": ("Gaussian", "Sphere", "GradientMove", "Reinitialise", "Where"),
    "Changes of the batch schedule and of hyper-parameters": (
        "SwapSteps",
        "SwapExamples",
        "Seat",
        "Reshuffle",
        "Reseed",
        "DropExample",
        "ReplaceExample",
        "Change",
    ),
    "Models": ("Mlp", "Layers", "ConvNet", "MxResNet", "Transformer", "BagOfEmbeddings", "RegistryModel"),
    "Losses": ("CrossEntropy", "BinaryCrossEntropy", "GroupedCrossEntropy", "SquaredError", "RegistryLoss"),
    "Optimizers": ("Sgd", "Adam", "AdamW", "RmsProp", "RegistryOptimizer"),
    "Learning-rate schedules": ("ConstantRate", "StepDecay", "CosineDecay", "LinearDecay", "ExponentialDecay"),
}
Schema = Mapping[str, Any]

_SPECS_HEAD = """\
# Specs of jobs and sweeps

Made from the models in `schemas/` by `python -m schemas.dictionary`; `holonomy schema KIND` prints the JSON Schema.
A spec is YAML or JSON for `holonomy submit`, or a class in Python (`from holonomy import Training`). In YAML and JSON
each spec says its `kind`. Unknown fields, NaN and infinity are refused."""


def specs_page() -> str:
    """The reference of the specs of jobs and sweeps."""
    definitions = _definitions()
    parts = [_SPECS_HEAD]
    for title, names in SECTIONS.items():
        parts.append(f"## {title}")
        parts.extend("\n\n".join(_spec(name, definitions)) for name in names)
    return "\n\n".join(parts) + "\n"


@cache
def _definitions() -> Schema:
    definitions: Schema = TypeAdapter(AnyJob | Sweep).json_schema()["$defs"]
    return definitions


def _spec(name: str, definitions: Schema) -> Iterator[str]:
    schema = definitions[name]
    kind = schema["properties"].get("kind")
    yield f"### {name}" if kind is None else f"### {name}: `kind: {kind['const']}`"
    yield str(schema["description"])
    fields = {field: value for field, value in schema["properties"].items() if field != "kind"}
    if not fields:
        return
    required = schema.get("required", ())
    rows = [
        (
            f"`{field}`",
            phrase(value),
            "required" if field in required else _default(value),
            value.get("description", ""),
        )
        for field, value in fields.items()
    ]
    yield markdown.table(("field", "is", "default", "meaning"), rows)


def phrase(schema: Schema) -> str:
    """What a value of a JSON Schema is, in words."""
    variants = schema.get("oneOf") or schema.get("anyOf")
    if variants is not None:
        return " or ".join(phrase(variant) for variant in variants)
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{_anchor(name)})" if "properties" in _definitions()[name] else phrase(_definitions()[name])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{choice}`" for choice in schema["enum"])
    return _plain_phrase(schema)


def _plain_phrase(schema: Schema) -> str:
    match schema.get("type"):
        case "array" if "prefixItems" in schema:
            return f"({', '.join(phrase(item) for item in schema['prefixItems'])})"
        case "array":
            return f"list of {phrase(schema['items'])}{_size(schema)}"
        case "string" if schema.get("pattern") == "^[0-9a-f]{64}$":
            return "64 hexadecimal digits"
        case "object":
            return "mapping"
        case "integer" | "number" | "string" | "boolean" | "null" as simple:
            words = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}
            return words.get(simple, "nothing") + _bounds(schema)
        case _:
            return "any JSON value"


def _bounds(schema: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = [f"{sign} {_figure(schema[name])}" for name, sign in signs.items() if name in schema]
    return f" {', '.join(found)}" if found else ""


def _figure(value: float) -> str:
    powers = {2**31: "2³¹", 2**63: "2⁶³"}
    return powers.get(int(value), f"{value:,}" if isinstance(value, int) else f"{value:g}")


def _size(schema: Schema) -> str:
    least, most = schema.get("minItems"), schema.get("maxItems")
    words = [*([f"at least {least:,}"] if least else []), *([f"at most {most:,}"] if most else [])]
    return f" ({', '.join(words)})" if words else ""


def _default(schema: Schema) -> str:
    value = schema.get("default", {} if schema.get("type") == "object" else None)
    if isinstance(value, dict) and "kind" in value:
        return f"`kind: {value['kind']}`"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _anchor(name: str) -> str:
    """Anchor of a heading `Name: kind: value` or `Name`, as GitHub makes it."""
    kind = _definitions()[name]["properties"].get("kind")
    return name.lower() if kind is None else f"{name.lower()}-kind-{kind['const']}"


def main(arguments: list[str]) -> int:
    """Write the page, or check it: 1 and one line when it differs."""
    return keep({PAGE: specs_page()}, "the models", "schemas.dictionary", check=arguments == ["--check"])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
