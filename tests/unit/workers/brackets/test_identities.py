"""Identities of mathematics.md, 2: closed forms, the order of a finite swap, antisymmetry, bilinearity."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.support.dense import flatten, logits
from tests.support.tiles import tile_of
from workers.brackets.functional import Functional
from workers.brackets.paths.generic import Generic
from workers.losses import squared_error_sum


class Rows(nn.Module):
    """z = Cθ for an input C: with targets 0, L = ½‖Cθ‖² has the linear field v = −CᵀC θ."""

    def __init__(self, P: int) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.theta = nn.Parameter(torch.randn(P, generator=draw, dtype=torch.float64))

    def forward(self, C: Tensor) -> Tensor:
        return C @ self.theta


def kept(functional: Functional, inputs: Tensor, targets: Tensor, pair: tuple[int, int]) -> Tensor:
    """[v_a, v_b] as one vector."""
    return tile_of(Generic(functional), inputs, targets, kept=[pair]).kept[pair]


@pytest.mark.parametrize("P", [1, 2, 7])
def test_linear_fields_have_the_commutator_of_their_matrices(P: int) -> None:
    model = Rows(P)
    C = torch.randn(3, 5, P, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    functional = Functional.of(model, squared_error_sum)
    A, B = (-c.T @ c for c in (C[0], C[2]))  # v_A = Aθ, v_B = Bθ
    bracket = kept(functional, C, torch.zeros(3, 5, dtype=torch.float64), (0, 2))
    torch.testing.assert_close(bracket, (B @ A - A @ B) @ model.theta.detach(), rtol=1e-11, atol=1e-11)


def test_reversing_the_order_reverses_the_sign(problem) -> None:
    forward = kept(problem.functional, problem.inputs[:2], problem.targets[:2], (0, 1))
    backward = kept(problem.functional, problem.inputs[:2].flip(0), problem.targets[:2].flip(0), (0, 1))
    torch.testing.assert_close(forward, -backward, rtol=1e-10, atol=1e-14)
    assert float(forward.norm()) > 0


def swap(problem, lr: float) -> tuple[Tensor, Tensor]:
    """Exact SGD on x then y, minus y then x: of θ and of the logits."""

    def gradient(theta: Tensor, example: int) -> Tensor:
        return torch.autograd.functional.jacobian(
            lambda t: problem.functional.loss(
                logits(problem.model, t, problem.inputs[example : example + 1])[0], problem.targets[example]
            ),
            theta,
        )

    ends = []
    for order in ((0, 1), (1, 0)):
        theta = flatten(problem.model)
        for example in order:
            theta = theta - lr * gradient(theta, example)
        ends.append(theta)
    first, second = (logits(problem.model, theta, problem.inputs).detach() for theta in ends)
    return ends[0] - ends[1], first - second


@pytest.mark.parametrize("name", ["mlp-mish-bce", "mlp-gelu-softmax", "mlp-tanh-squares", "convnet-batchnorm-mish"])
def test_a_finite_swap_approaches_the_bracket_at_first_order(problem_of, name: str) -> None:
    problem = problem_of(name)
    found = tile_of(
        Generic(problem.functional), problem.inputs[:2], problem.targets[:2], tests=problem.inputs, kept=[(0, 1)]
    )
    bracket = found.kept[0, 1]
    rates = np.array([3e-2, 1e-2, 3e-3, 1e-3])
    errors = []
    for lr in rates:
        parameters, outputs = swap(problem, float(lr))
        errors.append(
            (
                float((parameters / lr**2 - bracket).norm() / bracket.norm()),
                float((outputs / lr**2 - found.tile.logits[0]).norm() / found.tile.logits[0].norm()),
            )
        )
    for series in np.array(errors).T:
        slope = np.polyfit(np.log(rates), np.log(series), 1)[0]
        assert slope == pytest.approx(1, abs=0.1)
        assert series[-1] < 0.05


def test_the_bracket_of_batch_means_is_the_mean_over_their_pairs(problem) -> None:
    """A3: [v_B, v_C] = H_C g_B − H_B g_C is the mean of the |B||C| pair brackets."""
    reference = problem.reference
    left, right = [0, 1], [2, 3, 4]
    pairs = [(a, b) for a in left for b in right]
    found = tile_of(Generic(problem.functional), problem.inputs, problem.targets, kept=pairs)
    mean = torch.stack(list(found.kept.values())).mean(0)
    g, H = reference.gradients, reference.hessians
    expected = H[right].mean(0) @ g[left].mean(0) - H[left].mean(0) @ g[right].mean(0)
    torch.testing.assert_close(mean, expected, rtol=1e-9, atol=1e-13)
