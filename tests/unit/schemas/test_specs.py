"""Specs: what is accepted, what is refused and in which words, and what a digest depends on."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.brackets import Brackets
from schemas.canonical import digest
from schemas.data import First, Idx, Indices
from schemas.diagnostic import Diagnostic
from schemas.jobs import Submission, job_spec, training_of
from schemas.mistakes import InvalidSpec
from schemas.models import Mlp
from schemas.perturbations import Gaussian, Reshuffle
from schemas.replicas import Arm, Replicas
from schemas.training import Training

RUN: dict[str, Any] = {"kind": "training", "steps": 100, "checkpoints": [0, 50]}


def brackets(**changes: Any) -> Brackets:
    return Brackets.model_validate({"training": RUN, "examples": [3, 1, 2], **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": [0, 70]}, r"steps \[70\] are not checkpoints of the run, which keeps \(0, 50, 100\)"),
        ({"steps": [50, 0]}, "steps must be ascending and unique"),
        ({"examples": [1, 2, 2]}, r"unique; listed more than once: \[2\]"),
        ({"examples": [1]}, "at least two examples"),
        ({"examples": [-1, 2]}, "greater than or equal to 0"),
        ({"keep": [[2, 1]]}, r"pairs \(i, j\) with i < j; came \[\(2, 1\)\]"),
        ({"keep": [[1, 2**31]]}, "less than 2147483648"),
        ({"keep": [[1, 9]]}, r"outside the chosen examples: \[\(1, 9\)\]"),
        ({"examples": {"kind": "first", "count": 4}, "keep": [[1, 4]]}, "outside the chosen examples"),
        ({"batchnorm": "train"}, "BatchNorm in train mode couples the examples of a batch, .*: choose `eval`"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_bad_bracket_specs(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        brackets(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"checkpoints": [0, 200]}, r"checkpoints \[200\] lie beyond the run's 100 steps"),
        ({"model": {"kind": "mlp", "outputs": 7}}, "the model has 7 outputs but digits has 10 labels"),
        (
            {"model": {"kind": "resnet"}},
            "'mlp', 'convnet', 'mxresnet', 'transformer', 'bag_of_embeddings', 'registry'",
        ),
        ({"model": {"kind": "transformer", "width": 10}}, "multiple of the heads; came width 10, heads 4"),
        ({"optimizer": {"kind": "sgd", "nesterov": True}}, "nesterov needs momentum > 0"),
        ({"optimizer": {"kind": "sgd", "lr": float("inf")}}, "finite number"),
        ({"data": {"kind": "idx"}}, "either the name or the digest"),
        ({"batch_size": 0}, "greater than or equal to 1"),
    ],
)
def test_bad_training_specs(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Training.model_validate({**RUN, **changes})


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=30, unique=True), st.randoms())
def test_listed_examples_have_one_digest_in_any_order(indices: list[int], order: Any) -> None:
    shuffled = order.sample(indices, len(indices))
    assert digest(Indices(indices=tuple(indices))) == digest(Indices(indices=tuple(shuffled)))
    assert brackets(examples=shuffled).examples.indices == tuple(sorted(indices))


@given(st.sets(st.integers(0, 500), max_size=8), st.integers(500, 1000))
def test_the_last_step_is_always_a_checkpoint(kept: set[int], steps: int) -> None:
    run = Training(steps=steps, checkpoints=tuple(kept))
    assert run.checkpoints == tuple(sorted({*kept, steps}))
    assert Training.model_validate_json(run.model_dump_json()) == run


def test_specs_survive_json_and_keep_their_digest() -> None:
    spec = brackets(steps=[0, 50], test_examples=range(8), keep=[[1, 3]])
    again = job_spec.validate_json(spec.model_dump_json())
    assert again == spec
    assert digest(again) == digest(spec)


def test_all_steps_are_the_runs_checkpoints() -> None:
    assert brackets().checkpoints == (0, 50, 100)
    assert brackets(steps=[50]).checkpoints == (50,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Mlp(activaton="tanh"), r"^Mlp: activaton: is not a field; .*; did you mean 'activation'\?$"),
        (lambda: First(), "^First: count: is required$"),
        (
            lambda: Training(steps=3, model={"kind": "mlp", "hiden": [1]}),
            r"^Training: model.hiden: is not a field; .*; did you mean 'hidden'\?$",
        ),
        (
            lambda: Brackets(training=Mlp(), examples=[0, 1]),
            "^Brackets: training: expected an object with .kind: ",
        ),
        (
            lambda: Arm(perturbations=Reshuffle(after=1)),
            r"^Arm: perturbations: expected a list; came one Reshuffle: put it .*, as in \[Reshuffle\(…\)\]$",
        ),
        (
            lambda: Arm(name="my arm", perturbations=[Reshuffle(after=1)]),
            '^Arm: name: expected at most 100 letters, digits, dots, hyphens and underscores, .*; came "my arm"$',
        ),
        (
            lambda: Arm(name=0.01, perturbations=[Reshuffle(after=1)]),
            "^Arm: name: expected text, which stands in quotes if it looks like something else; came 0.01$",
        ),
    ],
)
def test_mistakes_of_a_constructor_are_explained_in_one_line(make: Any, message: str) -> None:
    with pytest.raises(InvalidSpec, match=message) as caught:
        make()
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


def test_fields_are_given_by_name() -> None:
    with pytest.raises(TypeError, match=r"First takes fields by name, as in First\(count=…\); came 16"):
        First(16)


def test_a_copy_takes_no_field_that_there_is_not() -> None:
    assert Training(steps=3).model_copy(update={"steps": 4}).steps == 4
    with pytest.raises(InvalidSpec, match=r"^Training: los is not a field; did you mean 'loss'\?$"):
        Training(steps=3).model_copy(update={"los": None})


def test_specs_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        brackets().dtype = "float64"


def test_submission_arguments_are_not_part_of_the_digest() -> None:
    spec = Training(steps=3)
    assert Submission(spec=spec, priority=5, name="x").spec == spec


def test_a_dataset_is_named_or_pinned_not_both() -> None:
    with pytest.raises(InvalidSpec, match="not both or neither"):
        Idx(name="mnist", digest="0" * 64)


@pytest.mark.parametrize("steps", ["100", 100.0, np.int64(100)], ids=type)
def test_numbers_of_steps_are_understood_before_they_are_used(steps: object) -> None:
    run = Training(steps=steps, checkpoints=[50.0, "20"])
    assert run == Training(steps=100, checkpoints=(20, 50))
    assert run.checkpoints == (20, 50, 100)


def test_listed_examples_are_ascending_and_unique_however_they_are_written() -> None:
    assert brackets(examples=[5.0, "2", 3]).examples.indices == (2, 3, 5)
    with pytest.raises(ValidationError, match=r"listed more than once: \[5\]"):
        brackets(examples=[5.0, 2, 5])


def test_kept_pairs_have_one_digest_in_any_order() -> None:
    shuffled = brackets(examples=[1, 2, 3], keep=[[2, 3], [1, 2], [2, 3]])
    assert digest(shuffled) == digest(brackets(examples=[1, 2, 3], keep=[[1, 2], [2, 3]]))


def test_every_job_but_a_diagnostic_has_a_run() -> None:
    run = Training(steps=3)
    arm = Arm(perturbations=[Gaussian(epsilon=0.1, scale="global")])
    for spec in (run, Brackets(training=run, examples=First(count=2)), Replicas(training=run, arms=[arm])):
        assert training_of(spec) == run
    assert training_of(Diagnostic()) is None
