"""Exponents of maps whose exponents are known in closed form."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from schemas.optimizers import Adam, AdamW, RmsProp, Sgd
from workers.brackets.functional import Tensors
from workers.errors import UserFault
from workers.replicas.dynamics.lyapunov import Overflowed, Tangents
from workers.replicas.dynamics.step_map import StepMap, fresh_slots
from workers.replicas.stack.rules import Rule

CURVATURES = (2.4, 1.1, 0.7, 0.3, 0.05)
LR = 0.5


def rotation(n: int) -> Tensor:
    return torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]


def quadratic() -> Callable[[Tensors], Tensor]:
    """½ wᵀHw with H = Q diag(CURVATURES) Qᵀ, w in two tensors."""
    Q = rotation(len(CURVATURES))
    H = Q @ torch.diag(torch.tensor(CURVATURES, dtype=torch.float64)) @ Q.T

    def loss(theta: Tensors) -> Tensor:
        w = torch.cat([theta["a"].reshape(-1), theta["b"]])
        return 0.5 * w @ H @ w

    return loss


def exponents(rule: Rule, k: int, steps: int, every: int = 7) -> Tensor:
    theta = {
        "a": torch.tensor([[0.3, -1.0], [0.2, 0.9]], dtype=torch.float64),
        "b": torch.tensor([0.4], dtype=torch.float64),
    }
    state = {f"parameters/{name}": tensor for name, tensor in theta.items()} | fresh_slots(rule, theta)
    tangents = Tangents.start(state, k, seed=1)
    for step in range(steps):
        move = StepMap(quadratic(), rule, taken=step)
        tangents, state = tangents.pushed(move, state), move(state)
        if (step + 1) % every == 0 or step + 1 == steps:
            tangents, _ = tangents.orthonormalised()
    return tangents.sums / steps


def test_the_leading_exponent_of_a_quadratic_under_sgd() -> None:
    expected = max(np.log(abs(1 - LR * h)) for h in CURVATURES)
    assert float(exponents(Sgd(lr=LR), 1, 4000)[0]) == pytest.approx(expected, abs=2e-3)


def test_all_exponents_of_a_quadratic_under_sgd() -> None:
    expected = sorted((np.log(abs(1 - LR * h)) for h in CURVATURES), reverse=True)
    found = exponents(Sgd(lr=LR), 5, 600)
    np.testing.assert_allclose(found, expected, atol=8e-3)
    # The volume has no transient: |det(1 − lr H)|ᵀ exactly.
    assert float(found.sum()) == pytest.approx(sum(expected), rel=1e-12)
