"""Exponents of maps whose exponents are known in closed form."""

import numpy as np
import pytest
import torch
from torch import Tensor

from schemas.optimizers import Rule, Sgd
from workers.brackets.functional import Tensors
from workers.errors import UserFault
from workers.replicas.dynamics.lyapunov import Tangents
from workers.replicas.dynamics.step_map import StepMap, first_state

CURVATURES = torch.tensor([2.4, 1.1, 0.7, 0.3, 0.05], dtype=torch.float64)
LR = 0.5
LOGS = np.sort(np.log(np.abs(1 - LR * CURVATURES.numpy())))[::-1]
AXES = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]
START = torch.tensor([0.3, -1.0, 0.2, 0.9, 0.4], dtype=torch.float64)


def quadratic(theta: Tensors) -> Tensor:
    """½ wᵀHw, H with the eigenvalues CURVATURES and the eigenvectors AXES."""
    along = AXES.T @ theta["w"]
    return 0.5 * (CURVATURES * along.square()).sum()


def state_of(rule: Rule) -> Tensors:
    return first_state(rule, START)


def run(rule: Rule, tangents: Tangents, steps: int, every: int = 7) -> Tensor:
    """Exponents over the first steps."""
    state = state_of(rule)
    for step in range(steps):
        move = StepMap(quadratic, {"w": START.shape}, rule, step)
        tangents, state = tangents.pushed(move, state), move(state)
        if (step + 1) % every == 0 or step + 1 == steps:
            tangents, _ = tangents.orthonormalised()
    return tangents.sums / steps


def along(*axes: Tensor) -> Tangents:
    return Tangents({"parameters": torch.stack(axes)}, torch.zeros(len(axes), dtype=torch.float64))


def test_a_tangent_along_an_eigenvector_has_its_exponent_exactly() -> None:
    for place, h in enumerate(CURVATURES):
        found = run(Sgd(lr=LR), along(AXES[:, place]), steps=10)
        assert float(found[0]) == pytest.approx(float((1 - LR * h).abs().log()), abs=1e-12)


def test_the_leading_exponent_of_a_quadratic_is_that_of_the_largest_factor() -> None:
    found = run(Sgd(lr=LR), Tangents.start(state_of(Sgd()), 1, seed=3), steps=80)
    # A random start of overlap c with the leading direction is off by at most ln(1/c) / T.
    assert float(found[0]) == pytest.approx(LOGS[0], abs=3 / 80)


def test_all_leading_exponents_of_a_quadratic() -> None:
    found = run(Sgd(lr=LR), Tangents.start(state_of(Sgd()), 5, seed=1), steps=80)
    np.testing.assert_allclose(found, LOGS, atol=4 / 80)
    # Volumes have no transient.
    assert float(found.sum()) == pytest.approx(float(LOGS.sum()), rel=1e-12)


def test_weight_decay_adds_to_every_curvature() -> None:
    found = run(Sgd(lr=LR, weight_decay=0.2), along(AXES[:, 1]), steps=5)
    assert float(found[0]) == pytest.approx(np.log(1 - LR * (1.1 + 0.2)), abs=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("h", CURVATURES.tolist())
def test_heavy_ball_has_the_exponents_of_its_2_by_2_block(h: float, nesterov: bool) -> None:
    beta, steps = 0.6, 60
    # (buf, w) → (β buf + h w, w − lr buf'), or with Nesterov w − lr (h w + β buf').
    row = [beta, h]
    step = [-LR * beta * row[0], 1 - LR * (h + beta * row[1])] if nesterov else [-LR * row[0], 1 - LR * row[1]]
    roots, vectors = np.linalg.eig(np.array([row, step]))
    state = {name: torch.ones(1, dtype=torch.float64) for name in ("parameters", "slots/momentum_buffer")}
    rule = Sgd(lr=LR, momentum=beta, nesterov=nesterov)
    move = StepMap(lambda theta: 0.5 * h * theta["w"].square().sum(), {"w": torch.Size([1])}, rule, 1)
    leading = np.real(vectors[:, [np.argmax(np.abs(roots))]])
    buffer, w = torch.from_numpy(leading if np.isreal(roots).all() else np.eye(2))
    tangents = Tangents(
        {"parameters": w[:, None], "slots/momentum_buffer": buffer[:, None]},
        torch.zeros(len(w), dtype=torch.float64),
    )
    for _ in range(steps):
        tangents, _ = tangents.pushed(move, state).orthonormalised()
    found = tangents.sums.numpy() / steps
    if len(found) == 1:
        assert found[0] == pytest.approx(np.log(np.abs(roots).max()), rel=1e-12)
    else:
        # Complex roots: both exponents are ln |root| up to the turning of an ellipse, their sum ln |det| exactly.
        np.testing.assert_allclose(found, np.log(np.abs(roots)), atol=2 / steps)
        assert found.sum() == pytest.approx(np.log(np.abs(roots)).sum(), rel=1e-12)


def test_factorisations_of_a_product_give_the_singular_directions_of_any_linear_map() -> None:
    """The sums do not depend on how often tangents are orthonormalised: R of the whole product, by another route."""
    H = AXES @ torch.diag(CURVATURES) @ AXES.T
    tangents = Tangents.start(state_of(Sgd()), 3, seed=5)
    product = torch.linalg.matrix_power(torch.eye(5, dtype=torch.float64) - LR * H, 12)
    expected = torch.linalg.qr(product @ tangents.deltas["parameters"].T)[1].diagonal().abs().log() / 12
    for every in (1, 5, 12):
        torch.testing.assert_close(run(Sgd(lr=LR), tangents, 12, every), expected, rtol=1e-10, atol=0)


def test_first_tangents_are_orthonormal_in_the_parameters_and_nothing_in_the_slots() -> None:
    start = Tangents.start(state_of(Sgd(momentum=0.5)), 3, seed=2).deltas
    torch.testing.assert_close(start["parameters"] @ start["parameters"].T, torch.eye(3, dtype=torch.float64))
    assert not start["slots/momentum_buffer"].any()
    assert not torch.equal(Tangents.start(state_of(Sgd()), 3, seed=9).deltas["parameters"], start["parameters"])


def test_more_exponents_than_parameters_are_refused() -> None:
    with pytest.raises(UserFault, match="6 Lyapunov exponents are asked for, a model of 5 parameters has at most 5"):
        Tangents.start(state_of(Sgd()), 6, seed=0)


def test_a_forgotten_direction_has_minus_infinity_and_spoils_no_other() -> None:
    found = run(Sgd(lr=1 / 1.1), along(AXES[:, 4], AXES[:, 1]), steps=3, every=1)
    assert float(found[0]) == pytest.approx(np.log(1 - 0.05 / 1.1), abs=1e-12)
    assert float(found[1]) < -10


def test_a_tangent_that_overflowed_is_told() -> None:
    with pytest.raises(UserFault, match=r"must stay finite between orthonormalisations, .* lower `lyapunov.every`"):
        along(AXES[:, 0] * torch.inf).orthonormalised()


def test_what_arrays_describe_comes_back_whatever_their_order() -> None:
    tangents, growth = Tangents.start(state_of(Sgd(momentum=0.5)), 2, seed=4).orthonormalised()
    arrays = dict(sorted(tangents.arrays().items(), reverse=True))
    back = Tangents.from_arrays(arrays, torch.device("cpu"))
    assert torch.equal(back.sums, growth)
    for name, delta in back.orthonormalised()[0].deltas.items():
        assert torch.equal(delta, tangents.orthonormalised()[0].deltas[name])
