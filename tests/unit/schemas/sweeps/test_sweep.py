"""Sweeps: what is refused before anything is expanded, in which words, and where the mistake was written."""

import json
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from schemas import generate
from schemas.brackets import Brackets
from schemas.canonical import digest
from schemas.data import First
from schemas.diagnostic import Diagnostic
from schemas.mistakes import InvalidSpec
from schemas.models import ConvNet, Mlp
from schemas.perturbations import Reshuffle
from schemas.replicas import Arm, Replicas
from schemas.sweeps import Sweep, SweepMistake, seed_path
from schemas.sweeps.axes import LinSpace, LogUniform
from schemas.training import Training

RUN = Training(steps=100)
BRACKETS = Brackets(training=RUN, examples=First(count=4))
REPLICAS = Replicas(training=RUN, arms=(Arm(perturbations=(Reshuffle(after=3),)),))
LR = {"optimizer.lr": [0.1, 0.2]}


@pytest.mark.parametrize(
    ("fields", "message", "at"),
    [
        ({"axes": {"optimizer.rate": [1]}}, "'rate' is not a field of optimizer", ("axes", "optimizer.rate")),
        ({"axes": {"optimizer..lr": [1]}}, "is not the path of a field", ("axes", "optimizer..lr")),
        (
            {"axes": {"optimizer.lr": [0.1, "fast"]}},
            r'optimizer\.lr: expected a number; came "fast" \(value 2 of 2\)',
            ("axes", "optimizer.lr", 1),
        ),
        ({"axes": {"steps": LinSpace(low=1, high=2, count=3)}}, r"steps: expected a whole number; came 1\.5", None),
        ({"axes": {"model": [{"kind": "mlp", "hiden": [3]}]}}, r"model\.hiden: is not .*did you mean 'hidden'", None),
        ({"axes": {"model": [Mlp(), {"kind": "mpl"}]}}, r"model: unknown kind 'mpl'.*'mlp'\? \(value 2 of 2\)", None),
        ({"axes": {"optimizer.kind": ["adam"]}}, "vary optimizer as a whole, by objects", ("axes", "optimizer.kind")),
        ({"axes": {"kind": ["brackets"]}}, "make a sweep for each kind", ("axes", "kind")),
        ({"axes": LR, "points": [{"optimizer.lr": 1}]}, r"varied twice, in `axes` and in `points`", None),
        ({"axes": {"model.hidden[0]": [1], "model.hidden[00]": [2]}}, "is varied twice, in `axes`:", None),
        ({"points": [{"steps": 3}, {"steps": "x"}]}, "steps: expected a whole number", ("points", 1, "steps")),
        ({"axes": {"seed": [1]}, "seeds": 2}, "seed is varied twice, in `axes` and in `seeds`", ("seeds",)),
        ({"base": Diagnostic(), "seeds": 2}, "a diagnostic job draws nothing, so it has no seeds", ("seeds",)),
        ({"axes": {"optimizer.lr": LogUniform(low=0.1, high=1)}}, "say with `samples` how often", None),
        ({"samples": 3}, "samples are drawn of random axes, and there are none", ("samples",)),
        ({"axes": LR, "zipped": [["optimizer.lr"]]}, "expected two axes or more; came 1", ("zipped", 0)),
        ({"axes": LR, "zipped": [["optimizer.lr", "stps"]]}, "'stps', which is not an axis", ("zipped", 0)),
        ({"axes": LR, "zipped": [["optimizer.lr", "optimizer.lr"]]}, "more than once", ("zipped", 0)),
        (
            {"axes": {**LR, "steps": [1, 2, 3]}, "zipped": [["optimizer.lr", "steps"]]},
            r"equally many values; optimizer\.lr has 2, steps has 3",
            ("zipped", 0),
        ),
        (
            {"axes": {**LR, "batch_size": {"kind": "int_uniform", "low": 1, "high": 2}}, "samples": 2,
             "zipped": [["optimizer.lr", "batch_size"]]},
            "all random axes are drawn together already",
            ("zipped", 0),
        ),
        ({"axes": LR, "order": ["optimizer.lt"]}, r"order names 'optimizer.lt', which is not .*\.lr'", ("order",)),
        ({"axes": {**LR, "steps": [1]}, "order": ["steps"]}, "every axis once: optimizer.lr, steps", ("order",)),
        ({"axes": LR, "order": ["optimizer.lr"] * 2}, "order names every axis once: optimizer.lr", ("order",)),
        ({"constraints": ["steps > 1", "steps >"]}, '"steps >": this is not an expression', ("constraints", 1)),
        ({"constraints": ["stepz > 1"]}, "'stepz > 1': .*did you mean 'steps'", ("constraints", 0)),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(
    fields: dict[str, Any], message: str, at: tuple[str | int, ...] | None
) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        Sweep.model_validate({"base": RUN, **fields})
    [error] = caught.value.errors()
    found = error["ctx"]["error"]
    assert isinstance(found, SweepMistake)
    assert at is None or found.at == at


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"axes": {"optimizer.lr": 0.1}}, r"expected a list of values, as in \[0\.1\], or an object"),
        ({"axes": {"optimizer.lr": {"kind": "linspace"}}}, "did you mean 'lin_space'"),
        ({"axes": {"optimizer.lr": []}}, "expected at least 1 of them"),
        ({"base": {"kind": "sweep"}}, "unknown kind 'sweep'"),
        ({"points": [{}]}, r"points\[0\]"),
        ({"seeds": 0}, "seeds: expected greater than or equal to 1; came 0"),
        ({"seeds": [2**63]}, r"seeds\[0\]: expected less than"),
        ({"axis": LR}, "axis: is not a field; .*did you mean 'axes'"),
    ],
)
def test_what_is_not_a_sweep(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        Sweep(**{"base": RUN, **fields})


def test_a_grid_beyond_the_limit_is_refused_with_the_arithmetic() -> None:
    axes = {
        "batch_size": list(range(1, 6)),
        "seed": list(range(100)),
        "optimizer.lr": LinSpace(low=1, high=2, count=1000),
    }
    with pytest.raises(InvalidSpec, match=r"5 × 100 × 1,000 = 500,000 jobs; a sweep has at most 20,000: take fewer"):
        Sweep(base=RUN, axes=axes)
    zipped = Sweep(base=RUN, axes={"batch_size": [1, 2], "seed": [1, 2]}, zipped=[("batch_size", "seed")])
    assert zipped.sizes == (2, 1, 1, 1)


def test_the_seed_that_trains_is_the_one_that_seeds_vary() -> None:
    assert [seed_path(spec) for spec in (RUN, BRACKETS, REPLICAS)] == ["seed", "training.seed", "training.seed"]
    assert seed_path(Diagnostic()) is None


def test_the_paths_that_vary() -> None:
    sweep = Sweep(
        base=BRACKETS,
        axes={"training.steps": [5]},
        points=[{"null_pairs": 3}, {"norms": True, "null_pairs": 4}],
        seeds=2,
    )
    assert sweep.paths == ("training.steps", "null_pairs", "norms", "training.seed")


def test_specs_as_values_and_json_are_one_sweep() -> None:
    models = [Mlp(hidden=(3,)), ConvNet()]
    made = Sweep(base=RUN, axes={"model": models}, points=({"optimizer": RUN.optimizer},))
    read = Sweep.model_validate_json(made.model_dump_json())
    assert read == made
    assert digest(read) == digest(made)


def test_a_sweep_satisfies_its_schema() -> None:
    schema = json.loads((generate.FOLDER / "sweep.json").read_text())
    sweep = Sweep(
        base=RUN, axes={"optimizer.lr": LogUniform(low=0.1, high=1), "model": [Mlp()]}, samples=2, seeds=(1, 2)
    )
    jsonschema.validate(json.loads(sweep.model_dump_json()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"kind": "sweep", "base": {"kind": "training", "steps": 1}, "axes": {"steps": 3}}, schema)
