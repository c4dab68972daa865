from dataclasses import replace

import numpy as np
import pytest
import torch

from schemas.bracket_results import VERIFICATIONS
from tests.support.dense import flatten, logits
from workers.brackets.tiles.verify import StoredPair, verification_columns, verify_pairs

PAIRS = [(0, 1), (0, 4), (2, 5)]


def stored(problem, a: int, b: int, tests: torch.Tensor | None = None) -> StoredPair:
    """What a perfect job would have stored."""
    bracket = problem.reference.bracket(a, b)
    parts = bracket.split(problem.reference.sizes)
    theta = flatten(problem.model)
    moved = None
    if tests is not None:
        J = torch.autograd.functional.jacobian(lambda t: logits(problem.model, t, tests), theta)
        moved = (J @ bracket).numpy()
    cosines = [float(torch.cosine_similarity(bracket, problem.reference.gradients[place], dim=0)) for place in (a, b)]
    rms = np.array([float(part.square().mean().sqrt()) for part in parts])
    return StoredPair(float(bracket.norm()), rms, *cosines, moved)


def errors(problem, pairs, numbers, tests=None):
    return verify_pairs(problem.functional, problem.inputs, problem.targets, pairs, numbers, tests)


def test_right_numbers_have_no_errors(problem) -> None:
    tests = problem.inputs[:2]
    found = errors(problem, PAIRS, [stored(problem, a, b, tests) for a, b in PAIRS], tests)
    for pair, (a, b) in zip(found, PAIRS, strict=True):
        assert pair.norm == pytest.approx(float(problem.reference.bracket(a, b).norm()), rel=1e-10)
        assert max(pair.norm_error, pair.tensor_error, pair.cosine_error, pair.logit_error) < 1e-8


def test_wrong_numbers_have_their_errors(problem_of) -> None:
    problem = problem_of("mlp-mish-bce")
    tests = problem.inputs[:2]
    right = stored(problem, 0, 1, tests)
    rms = right.tensor_rms.copy()
    rms[1] *= 0.7
    moved = right.logits.copy()
    moved[1, 2] += 0.5 * np.abs(moved).max()
    wrong = replace(right, norm=right.norm * 1.1, tensor_rms=rms, cosine_b=right.cosine_b - 0.25, logits=moved)
    (found,) = errors(problem, [(0, 1)], [wrong], tests)
    assert found.norm_error == pytest.approx(0.1)
    assert found.tensor_error == pytest.approx(0.3)
    assert found.cosine_error == pytest.approx(0.25)
    assert found.logit_error == pytest.approx(0.5)


def test_single_precision_models_are_verified_in_float64(problem_of) -> None:
    single = problem_of("mlp-mish-bce", torch.float32)
    found = errors(single, PAIRS, [stored(single, a, b) for a, b in PAIRS])
    assert all(0 < pair.norm_error < 1e-4 for pair in found)  # the point itself was rounded to float32
    assert {pair.logit_error for pair in found} == {None}


def test_equal_examples_have_a_bracket_of_exactly_zero(problem_of) -> None:
    problem = problem_of("mlp-mish-bce")
    problem.inputs[1], problem.targets[1] = problem.inputs[0], problem.targets[0]
    tests = problem.inputs[:2]
    nothing = StoredPair(0.0, np.zeros(len(problem.reference.sizes)), 0.0, 0.0, np.zeros((2, 3)))
    (found,) = errors(problem, [(0, 1)], [nothing], tests)
    assert (found.norm, found.norm_error, found.tensor_error, found.cosine_error, found.logit_error) == (
        0,
        0,
        0,
        0,
        0,
    )
    (found,) = errors(problem, [(0, 1)], [replace(nothing, norm=1e-9)], tests)
    assert found.norm_error == 1


def test_columns_fill_the_table(problem_of) -> None:
    problem = problem_of("mlp-mish-bce")
    found = errors(problem, PAIRS, [stored(problem, a, b) for a, b in PAIRS])
    columns = verification_columns(40, [(10, 11), (10, 14), (12, 15)], found, "tap")
    assert set(columns) == {column.name for column in VERIFICATIONS.columns}
    assert (columns["i"], columns["j"], columns["path"]) == ([10, 10, 12], [11, 14, 15], ["tap"] * 3)
