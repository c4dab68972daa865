"""The reference page of specs holds everything, and is up to date."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from schemas import dictionary
from schemas.jobs import AnyJob
from schemas.sweeps import Sweep


def test_the_page_is_up_to_date() -> None:
    assert dictionary.main(["--check"]) == 0


def test_drift_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(dictionary, "PAGE", tmp_path / "reference" / "specs.md")
    assert dictionary.main(["--check"]) == 1
    assert "specs.md does not match the models" in capsys.readouterr().err
    assert dictionary.main([]) == 0
    assert dictionary.main(["--check"]) == 0


def test_every_kind_of_spec_is_described() -> None:
    definitions = TypeAdapter(AnyJob | Sweep).json_schema()["$defs"]
    kinds = {name for name, schema in definitions.items() if "kind" in schema.get("properties", {})}
    described = {name for names in dictionary.SECTIONS.values() for name in names}
    assert kinds <= described <= set(definitions)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 0, "exclusiveMaximum": 2**63}, "whole number ≥ 0, < 2⁶³"),
        ({"type": "number", "exclusiveMinimum": 0.5}, "number > 0.5"),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 3}, "list of text (at most 3)"),
        ({"anyOf": [{"const": "all"}, {"type": "null"}]}, "`all` or nothing"),
        ({"type": "string", "pattern": "^[0-9a-f]{64}$"}, "64 hexadecimal digits"),
        ({}, "any JSON value"),
    ],
)
def test_types_read_as_words(schema: dict[str, object], words: str) -> None:
    assert dictionary.phrase(schema) == words
