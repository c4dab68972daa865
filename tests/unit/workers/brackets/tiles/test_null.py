import numpy as np
import pytest
import torch

from schemas.bracket_results import DEFECTS
from workers.brackets.gradients import gradients_of
from workers.brackets.tiles import null as module
from workers.brackets.tiles.null import Distribution, defect_columns, null_defects, random_direction

INDICES = np.array([10, 11, 20, 30, 31, 40])
PAIRS = np.array([[0, 3], [1, 2], [4, 5]])


def null(problem, pairs=PAIRS, seed: int = 0, indices=INDICES) -> np.ndarray:
    lengths = gradients_of(problem.functional, problem.inputs, problem.targets).squares().sum(1).sqrt().numpy()
    return null_defects(problem.functional, problem.inputs, problem.targets, indices, pairs, lengths[pairs], seed)


def test_random_directions_as_long_as_the_gradients(problem, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    shape = module.shaped

    def kept(vector, like):
        seen.append(vector)
        return shape(vector, like)

    monkeypatch.setattr(module, "shaped", kept)
    found = null(problem)
    reference = problem.reference
    for place, (a, b) in enumerate(PAIRS):
        u, w = seen[2 * place : 2 * place + 2]
        lengths = reference.gradients[a].norm(), reference.gradients[b].norm()
        torch.testing.assert_close(torch.stack([u.norm(), w.norm()]), torch.stack(lengths))
        expected = (reference.hessians[b] @ u - reference.hessians[a] @ w).norm() / (lengths[0] * lengths[1])
        assert found[place] == pytest.approx(float(expected), rel=1e-9)


def test_a_pair_draws_the_same_whatever_else_is_drawn(problem_of) -> None:
    problem = problem_of("mlp-mish-bce")
    whole = null(problem)
    np.testing.assert_array_equal(null(problem, PAIRS[1:2]), whole[1:2])
    assert not np.isclose(null(problem, seed=1), whole).any()
    assert null(problem, indices=INDICES + 1)[0] != whole[0]


def test_directions_are_uniform() -> None:
    P, count, draw = 5, 4_000, torch.Generator().manual_seed(0)
    drawn = torch.stack([random_direction(P, draw) for _ in range(count)])
    torch.testing.assert_close(drawn.norm(dim=1), torch.ones(count, dtype=torch.float64))
    moments = drawn.T @ drawn / count
    # The variance of a product of two coordinates is at most 3 / (P (P + 2)).
    assert float((moments - torch.eye(P) / P).abs().max()) < 5 * (3 / (P * (P + 2)) / count) ** 0.5
    assert float(drawn.mean(0).abs().max()) < 5 / (P * count) ** 0.5


def test_a_pair_with_a_vanishing_gradient_is_left_out(problem_of) -> None:
    problem = problem_of("mlp-tanh-squares")
    problem.inputs[3] = 0  # without biases every logit is 0, as is its target
    problem.targets[3] = 0
    found = null(problem)
    assert np.isnan(found).tolist() == [True, False, False]
    assert Distribution.of(found).count == 2


def test_quantiles() -> None:
    found = Distribution.of(np.array([3.0, np.nan, 1.0, 2.0]))
    assert (found.count, found.median) == (3, 2.0)
    assert (found.low, found.high) == (pytest.approx(1.1), pytest.approx(2.9))
    assert Distribution.of(np.array([np.nan])) == Distribution(0, None, None, None)


def test_columns_fill_the_table() -> None:
    columns = defect_columns(40, np.array([1.0, 2.0, np.nan]), np.array([0.5]))
    assert set(columns) == {column.name for column in DEFECTS.columns}
    assert (columns["step"], columns["pairs"], columns["median"]) == ([40], [2], [1.5])
    assert (columns["null_pairs"], columns["null_median"]) == ([1], [0.5])
