"""Spec files: what they may look like, and where their mistakes are."""

import io
from pathlib import Path

import pytest

from holonomy import Adam, BadFile, Brackets, Diagnostic, Sweep, Training
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
        ("", r"^f: expected a spec, a mapping"),
        ("- 1", r"^f: expected a spec, a mapping"),
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


SWEEP = """\
kind: sweep
base:
  kind: training
  steps: 100
axes:
  optimizer.lr:
    - 1e-3
    - 0.1
  batch_size: [16, 32]
seeds: 3
constraints:
  - batch_size * steps <= 3200
"""


def test_a_sweep_is_read() -> None:
    sweep = parse_spec(SWEEP, "f.yaml")
    assert isinstance(sweep, Sweep)
    assert list(sweep.axes) == ["optimizer.lr", "batch_size"]
    assert sweep.sizes == (2, 2, 1, 1, 3)
    assert parse_spec(sweep.model_dump_json(), "f.json") == sweep


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("optimizer.lr", "optimizer.lrr", r"^f:7: optimizer\.lrr: 'lrr' is not a field of optimizer, which is sgd"),
        ("- 0.1", "- fast", r'^f:8: optimizer\.lr: expected a number; came "fast" \(value 2 of 2\)'),
        ("- 0.1", "- -1", r"^f:8: optimizer\.lr: expected greater than 0; came -1"),
        ("[16, 32]", "16", r"^f:9: axes\.batch_size: expected a list of values, as in \[16\]"),
        ("[16, 32]", "{kind: logspace}", r"^f:9: axes\.batch_size: unknown kind 'logspace'.*'log_space'"),
        ("steps: 100", "step: 100", r"f:4: base\.step: is not a field.*did you mean 'steps'"),
        ("seeds: 3", "seeds: three", r"^f:10: seeds: expected a whole number; came \"three\""),
        ("steps <= 3200", "stepz", r"^f:12: constraint 'batch_size \* stepz': stepz: 'stepz' is not a field"),
        ("<= 3200", "<= 'x'", r"^f:12: constraint .*, point 0 \(.*\): it has no answer"),
        ("<= 3200", "<= 0", r"^f:12: no job is left: the constraints exclude all of them"),
        ("batch_size: [16, 32]", "rate.warmup: [3, 200]", r"^f:6: point 3 .*warmup of 200 steps must end before"),
        ("kind: sweep", "kind: sweeps", r"^f:1: unknown kind 'sweeps'.*did you mean 'sweep'"),
        ("seeds: 3", "seeds: 9000", r"^f:1: 2 × 2 × 9,000 = 36,000 jobs; a sweep has at most 20,000"),
    ],
)
def test_mistakes_of_sweeps_have_their_lines(good: str, bad: str, message: str) -> None:
    assert good in SWEEP
    text = SWEEP.replace(good, bad)
    if "warmup" in bad:
        text = text.replace("batch_size *", "rate.warmup *").replace("<= 3200", "<= 1e9")
    with pytest.raises(BadFile, match=message):
        parse_spec(text, "f")
