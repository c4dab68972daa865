import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.func import jvp

from tests.support.dense import flatten, logits
from workers.brackets.orders import reorderings as module
from workers.brackets.orders.orders import Reordering
from workers.brackets.orders.reorderings import bracket_sum, moved_parts, reordering_effects

SMOOTH = ["mlp-mish-bce", "mlp-gelu-softmax", "mlp-tanh-squares", "convnet-batchnorm-mish"]


def examples_of(problem):
    return lambda indices: (problem.inputs[list(indices)], problem.targets[list(indices)])


def effects(problem, orders, lr=1e-3, **more):
    return reordering_effects(problem.functional, examples_of(problem), orders, lr, **more)


def dense_sum(problem, order) -> torch.Tensor:
    """S(o), pair by pair."""
    reference = problem.reference
    terms = [reference.hessians[j] @ reference.gradients[i] for i, j in itertools.combinations(order, 2)]
    return torch.stack(terms).sum(0)


def changed_pairs(first, second) -> list[tuple[int, int]]:
    return [(i, j) for i, j in itertools.combinations(first, 2) if second.index(i) > second.index(j)]


ORDERS = [
    Reordering((0, 1), (1, 0)),
    Reordering((4, 2, 0, 1, 3, 5), (0, 1, 2, 3, 4, 5)),
    Reordering((0, 2, 1, 3, 5, 4), (0, 1, 2, 3, 4, 5)),
]


@pytest.mark.parametrize("order", [(3, 0), (5, 1, 2), (4, 2, 0, 1, 3, 5)])
def test_prefix_sums(problem, order) -> None:
    found = bracket_sum(problem.functional, examples_of(problem), order)
    torch.testing.assert_close(found, dense_sum(problem, order), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("reordering", ORDERS, ids=["swap", "shuffle", "parts"])
def test_the_prediction_is_the_sum_of_the_brackets_of_pairs_that_change_order(problem, reordering) -> None:
    (found,) = effects(problem, [reordering], tests=(problem.inputs[:4], problem.targets[:4]))
    pairs = changed_pairs(reordering.first, reordering.second)
    total = torch.stack([problem.reference.bracket(i, j) for i, j in pairs]).sum(0)
    torch.testing.assert_close(
        total, dense_sum(problem, reordering.first) - dense_sum(problem, reordering.second), rtol=1e-9, atol=1e-13
    )
    assert found.predicted_norm == pytest.approx(float(total.norm()), rel=1e-9)
    slope = problem.reference.gradients[:4].mean(0)
    assert found.predicted_loss == pytest.approx(float(slope @ total), rel=1e-8, abs=1e-12)


def dense_end(problem, order, lr: float) -> torch.Tensor:
    theta = flatten(problem.model)
    for index in order:

        def loss(theta: torch.Tensor, index: int = index) -> torch.Tensor:
            z = logits(problem.model, theta, problem.inputs[index : index + 1])[0]
            return problem.functional.loss(z, problem.targets[index])

        theta = theta - lr * torch.autograd.functional.jacobian(loss, theta)
    return theta


def test_the_exact_effect_is_that_of_the_steps(problem) -> None:
    lr = 1e-2
    (found,) = effects(problem, [ORDERS[1]], lr, tests=(problem.inputs, problem.targets))
    ends = [dense_end(problem, order, lr) for order in (ORDERS[1].first, ORDERS[1].second)]
    exact = (ends[0] - ends[1]) / lr**2
    predicted = dense_sum(problem, ORDERS[1].first) - dense_sum(problem, ORDERS[1].second)
    assert found.exact_norm == pytest.approx(float(exact.norm()), rel=1e-8)
    assert found.relative_error == pytest.approx(float((exact - predicted).norm() / exact.norm()), rel=1e-5)
    assert found.cosine == pytest.approx(float(torch.cosine_similarity(exact, predicted, dim=0)), rel=1e-8)
    losses = [problem.functional.loss(logits(problem.model, end, problem.inputs), problem.targets) for end in ends]
    assert found.realised_loss == pytest.approx(float((losses[0] - losses[1]).mean()) / lr**2, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("reordering", ORDERS[:2], ids=["swap", "shuffle"])
def test_the_error_is_of_first_order_in_the_learning_rate(problem_of, name: str, reordering) -> None:
    problem, rates = problem_of(name), np.array([3e-3, 1e-3, 3e-4, 1e-4])
    found = [effects(problem, [reordering], float(lr), tests=(problem.inputs, problem.targets))[0] for lr in rates]
    for errors in (
        [one.relative_error for one in found],
        [abs(one.realised_loss / one.predicted_loss - 1) for one in found],
    ):
        slope = np.polyfit(np.log(rates), np.log(errors), 1)[0]
        assert slope == pytest.approx(1, abs=0.05)
    assert all(one.agrees for one in found)
    assert 1 - found[-1].cosine < 1e-4


def test_single_precision_models_are_compared_in_float64(problem_of) -> None:
    single, exact = problem_of("mlp-mish-bce", torch.float32), problem_of("mlp-mish-bce")
    (found,) = effects(single, ORDERS[1:2], 1e-4)
    (expected,) = effects(exact, ORDERS[1:2], 1e-4)
    assert found.predicted_norm == pytest.approx(expected.predicted_norm, rel=1e-4)
    assert found.relative_error == pytest.approx(expected.relative_error, rel=1e-2)


def test_orders_that_are_the_same_have_no_effect(problem_of) -> None:
    problem = problem_of("mlp-mish-bce")
    same = Reordering((1, 0, 2), (1, 0, 2))
    twins = Reordering((0, 3), (3, 0))
    problem.inputs[3], problem.targets[3] = problem.inputs[0], problem.targets[0]
    for found in effects(problem, [same, twins], tests=(problem.inputs, problem.targets)):
        assert (found.predicted_norm, found.exact_norm, found.relative_error, found.cosine) == (0, 0, 0, 0)
        assert (found.predicted_loss, found.realised_loss, found.agrees) == (0, 0, True)


def test_without_test_examples_nothing_is_said_about_losses(problem_of) -> None:
    (found,) = effects(problem_of("mlp-mish-bce"), ORDERS[:1])
    assert (found.predicted_loss, found.realised_loss, found.agrees) == (None, None, None)


def test_a_swap_takes_two_products(problem_of, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, seen = problem_of("mlp-mish-bce"), []
    monkeypatch.setattr(module, "jvp", lambda *given: seen.append(1) or jvp(*given))
    effects(problem, [Reordering((5, 0, 1, 2), (5, 1, 0, 2))])
    assert len(seen) == 2


def test_sums_that_orders_share_are_taken_once(problem_of, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, seen = problem_of("mlp-mish-bce"), []
    whole = module.bracket_sum

    def counted(functional, examples, order, pause):
        seen.append(order)
        return whole(functional, examples, order, pause)

    monkeypatch.setattr(module, "bracket_sum", counted)
    effects(problem, [Reordering((2, 0, 1), (0, 1, 2)), Reordering((1, 2, 0), (0, 1, 2))])
    assert seen == [(2, 0, 1), (0, 1, 2), (1, 2, 0)]


@given(order=st.permutations(range(7)))
def test_parts_hold_every_pair_that_changes_order(order) -> None:
    reordering = Reordering(tuple(order), tuple(range(7)))
    parts = list(moved_parts(reordering))
    within = [pair for first, second in parts for pair in changed_pairs(first, second)]
    assert sorted(within) == sorted(changed_pairs(reordering.first, reordering.second))
    for first, second in parts:
        assert sorted(first) == sorted(second)
        assert len(first) > 1
