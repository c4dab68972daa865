"""Spec files: what they may look like, and where their mistakes are."""

import io
from pathlib import Path

import pytest

from holonomy import Adam, BadFile, Brackets, Diagnostic, Training
from holonomy.cli.specfile import parse_spec, read_spec
from holonomy.presets import digits_brackets

GOOD = """\
kind: brackets
training:
  optimizer: {kind: adam, lr: 1e-3, betas: [0.8, 0.999]}
  steps: 100
  checkpoints: [0, 100]
examples: [3, 1, 2]
"""


def test_yaml_is_read() -> None:
    spec = parse_spec(GOOD, "f.yaml")
    assert isinstance(spec, Brackets)
    assert spec.training == Training(steps=100, checkpoints=(0, 100), optimizer=Adam(lr=1e-3, betas=(0.8, 0.999)))


def test_json_with_tabs_is_read() -> None:
    assert parse_spec('{\n\t"kind":\t"diagnostic",\n\t"blocks": 3}', "f.json") == Diagnostic(blocks=3)


def test_what_a_model_writes_is_read() -> None:
    assert parse_spec(digits_brackets().model_dump_json(), "f.json") == digits_brackets()


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("kind: diagnostic"))
    assert read_spec("-") == Diagnostic()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"^f: expected a job spec, a mapping"),
        ("- 1", r"^f: expected a job spec, a mapping"),
        ("kind: [", r"^f:1: this is not YAML: "),
        ("a: b\n\tc: d", r"^f:2: this is not YAML: "),
        ("blocks: 3", r"^f:1: needs a field `kind`"),
        (
            "steps: 1\nkind: bracket",
            r"^f:2: unknown kind 'bracket': expected one of training, .*; did you mean 'brackets'\?$",
        ),
        ("kind: training\nsteps: 1\nkind: brackets", r"^f:3: `kind` is given twice; it was given on line 1"),
        ("kind: training\nmodel: [{a: 1, a: 2}]", r"^f:2: `a` is given twice"),
        (
            GOOD.replace("kind: adam", "kind: adamm"),
            r"^f:3: training.optimizer: unknown kind 'adamm': expected one of sgd, .*; did you mean 'adam'\?$",
        ),
        (GOOD.replace("lr: 1e-3", "lr: -1"), r"^f:3: training.optimizer.lr: expected greater than 0; came -1$"),
        (
            GOOD.replace("steps: 100", "step: 100"),
            r"f:4: training.step: is not a field; expected kind, .*; did you mean 'steps'\?",
        ),
        (GOOD.replace("  steps: 100\n", ""), r"^f:3: training.steps: is required"),
        (GOOD.replace("[3, 1, 2]", "[3, 1, 3]"), r"^f:6: examples: example indices must be unique.*\[3\]"),
        (GOOD.replace("[0, 100]", "[0, 200]"), r"^f:3: training: checkpoints \[200\] lie beyond the run's 100 steps"),
        (
            GOOD.replace("[3, 1, 2]", "[3, -1, 2]"),
            r"^f:6: examples\[.\]: expected greater .* to 0; came -1$",
        ),
        (GOOD + "colour: blue", r"^f:7: colour: is not a field; expected kind, training, steps"),
    ],
)
def test_every_mistake_has_its_line(text: str, message: str) -> None:
    with pytest.raises(BadFile, match=message):
        parse_spec(text, "f")


def test_several_mistakes_come_together() -> None:
    with pytest.raises(BadFile) as caught:
        parse_spec(GOOD.replace("lr: 1e-3", "lr: -1") + "colour: blue", "f")
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["3", "7"]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"cannot read .*nothing\.yaml: No such file"):
        read_spec(str(tmp_path / "nothing.yaml"))
    (tmp_path / "image").write_bytes(b"\x89PNG")
    with pytest.raises(BadFile, match="is not UTF-8 text"):
        read_spec(str(tmp_path / "image"))
