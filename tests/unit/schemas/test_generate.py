"""The committed JSON Schemas: drift is noticed, and the models' own JSON satisfies them."""

import json
from pathlib import Path

import jsonschema
import pytest

from schemas import generate
from schemas.brackets import Brackets
from schemas.training import Training


def test_the_committed_files_are_current() -> None:
    assert generate.main(["--check"]) == 0


def test_drift_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    assert generate.main([]) == 0
    (tmp_path / "submission.json").write_text("{}")
    assert generate.main(["--check"]) == 1
    assert "submission.json does not match the models" in capsys.readouterr().err


def test_a_spec_satisfies_its_schema() -> None:
    schema = json.loads((generate.FOLDER / "job-spec.json").read_text())
    spec = Brackets(training=Training(steps=10), examples=range(4))
    jsonschema.validate(json.loads(spec.model_dump_json()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"kind": "brackets", "examples": [0, 1]}, schema)
