from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.jobs import Submission
from schemas.mistakes import shown
from service.api import validation
from service.api.problems import ProblemError

TRAINING = {"kind": "training", "steps": 10}
BRACKETS = {"kind": "brackets", "training": TRAINING, "examples": [1, 2, 3]}


def refusal(body: Mapping[str, Any]) -> ProblemError:
    with pytest.raises(ValidationError) as caught:
        Submission.model_validate(body)
    errors = [{**error, "loc": ("body", *error["loc"])} for error in caught.value.errors()]
    return validation.problem(errors, body, Submission)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (
            {"spec": {"kind": "trainin"}},
            "spec: unknown kind 'trainin': expected one of training, brackets, replicas, diagnostic",
        ),
        ({"spec": {"kind": "trainin"}}, "did you mean 'training'?"),
        ({"spec": {}}, "spec: needs a field `kind`"),
        ({}, "spec: is required"),
        ({"spec": TRAINING, "fressh": True}, "fressh: is not a field; expected name, project, tags"),
        ({"spec": {**TRAINING, "step": 3}}, "spec.step: is not a field"),
        ({"spec": {**TRAINING, "step": 3}}, "did you mean 'steps'?"),
        ({"spec": {**TRAINING, "steps": -1}}, "spec.steps: expected greater than or equal to 0; came -1"),
        ({"spec": {"kind": "training"}}, "spec.steps: is required"),
        (
            {"spec": {**TRAINING, "model": {"kind": "mlp", "hidden": [3, "x"]}}},
            'spec.model.hidden[1]: expected a whole number; came "x"',
        ),
        (
            {"spec": {**TRAINING, "model": {"kind": "mpl"}}},
            "spec.model: unknown kind 'mpl': expected one of mlp, convnet, mxresnet, transformer, "
            "bag_of_embeddings, registry; did you mean 'mlp'?",
        ),
        ({"spec": {**TRAINING, "model": {"kind": "resnet"}}}, "did you mean 'mxresnet'?"),
        (
            {"spec": {**TRAINING, "optimizer": {"kind": "adam", "beta": 1}}},
            "spec.optimizer.beta: is not a field; expected kind, lr, betas, eps, weight_decay; did you mean 'betas'?",
        ),
        (
            {"spec": {"kind": "brackets", "training": {"steps": 5, "kindd": 1}, "examples": [1, 2]}},
            "spec.training.kindd: is not a field",
        ),
        (
            {"spec": {**BRACKETS, "minibatches": [[]]}},
            "spec.minibatches[0]: expected at least 1 of them; came a list of 0",
        ),
        (
            {"spec": {"kind": "brackets", "training": TRAINING, "examples": [1, 1]}},
            "spec.examples: example indices must be unique; listed more than once: [1]",
        ),
        (
            {"spec": {"kind": "brackets", "training": TRAINING, "steps": [3], "examples": [1, 2]}},
            "spec: steps [3] are not checkpoints of the run, which keeps (10,)",
        ),
        ({"spec": {**TRAINING, "data": [1, 2]}}, "spec.data: "),
        ({"spec": "training"}, "spec: "),
    ],
)
def test_a_refusal_says_where_and_what(body: Mapping[str, Any], detail: str) -> None:
    problem = refusal(body)
    assert problem.status_code == 422
    assert detail in problem.detail
    assert "pydantic" not in problem.detail
    assert "\n" not in problem.detail


def test_only_the_first_faults_are_in_the_line_and_all_in_the_list() -> None:
    problem = refusal({"spec": TRAINING, **{f"unknown_{k}": k for k in range(5)}})
    assert problem.detail.endswith("; and 2 more")
    assert [entry["where"] for entry in problem.errors] == [f"unknown_{k}" for k in range(5)]


@pytest.mark.timeout(10)
def test_ten_thousand_mistakes_do_not_hold_the_service_up() -> None:
    problem = refusal({"spec": {**BRACKETS, "minibatches": [["x"]] * 10_000}})
    assert problem.detail.endswith("; and 9997 more")
    assert len(problem.errors) == 10_000


def test_a_long_value_is_cut() -> None:
    assert len(shown("x" * 1000)) == 60
    assert shown({"a": 1}) == "an object with 1 fields"
    assert shown([1, 2]) == "a list of 2"


def test_broken_json_names_the_place() -> None:
    error = {"type": "json_invalid", "loc": ("body", 7), "ctx": {"error": "Expecting value"}}
    assert validation.problem([error], None, Submission).detail == "body: is not JSON: Expecting value at character 7"


def test_a_query_parameter_is_named_without_its_source() -> None:
    error = {
        "type": "greater_than_equal",
        "loc": ("query", "limit"),
        "msg": "Input should be greater than 0",
        "input": "0",
    }
    assert validation.problem([error], None, None).detail == 'limit: expected greater than 0; came "0"'


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        (
            {"logits": "top"},
            "spec.logits: expected 'auto' or 'all', or an object with `kind: top`, or a list; came \"top\"",
        ),
        ({"path": "fast"}, "spec.path: expected 'auto', or 'generic', 'tap' or 'structured'; came \"fast\""),
        ({"keep": 3}, "spec.keep: expected 'none' or 'all', or a list; came 3"),
        ({"keep": [[0, "x"]]}, 'spec.keep[0][1]: expected a whole number; came "x"'),
        (
            {"projections": ["test_loss"]},
            'spec.projections[0]: expected an object with `kind: test_loss | logit | saved`; came "test_loss"',
        ),
        ({"reorderings": "swaps"}, 'spec.reorderings: expected an object with fields; came "swaps"'),
    ],
)
def test_a_value_of_the_wrong_type_is_told_all_that_would_do_in_one_line(
    fields: dict[str, object], detail: str
) -> None:
    assert refusal({"spec": {**BRACKETS, "test_examples": [0], **fields}}).detail == detail


@pytest.mark.parametrize(
    ("logits", "detail"),
    [
        (
            {"kind": "top", "cuont": 3},
            "spec.logits.cuont: is not a field; expected kind, count, by; did you mean 'count'?",
        ),
        ([[1, "x"]], 'spec.logits[0][1]: expected a whole number; came "x"'),
        ([[2, 1]], "spec: logits lists pairs (i, j) with i < j; came [(2, 1)]"),
    ],
)
def test_of_a_union_the_member_that_was_meant_is_explained(logits: object, detail: str) -> None:
    refused = refusal({"spec": {**BRACKETS, "test_examples": [0], "logits": logits}})
    assert refused.detail.startswith(detail)
