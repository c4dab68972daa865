import pytest
import torch
from torch import Tensor

from tests.support.dense import logits
from tests.support.perceptrons import Perceptron, perceptron
from workers.brackets.paths.structured.dots import Grams
from workers.brackets.paths.structured.network import Network
from workers.brackets.paths.structured.state import State, first_order
from workers.brackets.paths.structured.tangents import Side, Tangents, tangents
from workers.brackets.paths.structured.workspace import Workspace

CASES = {
    "tanh": perceptron(),
    "relu": perceptron(activation="relu", loss="squares-mean"),
    "one layer": perceptron((4, 3)),
    "no bias": perceptron((4, 5, 3), "mish", "bce-sum", bias=False),
    "many outputs": perceptron((3, 2, 65), N=3),
}


def sides(problem: Perceptron, side: Side) -> tuple[State, State, Tangents]:
    """The first two examples along the rows and the others along the columns."""
    network = Network.of(problem.functional)
    x, y = (
        first_order(network, problem.loss, problem.inputs[part], problem.targets[part])
        for part in (slice(0, 2), slice(2, None))
    )
    return x, y, tangents(problem.loss, x, y, Grams.of(x, y), side, gauss_newton=True, workspace=Workspace())


def product(problem: Perceptron, base: State, row: int, u: list[Tensor], v: list[Tensor] | None) -> Tensor:
    """u_l ⊗ a_(l−1) + δ_l ⊗ v_(l−1) for the weights and u_l for the biases, as one vector."""
    parts = []
    for place, layer in enumerate(base.network.layers):
        weight = torch.outer(u[place], base.activations[place][row])
        if place and v is not None:
            weight = weight + torch.outer(base.deltas[place][row], v[place - 1])
        parts += [weight.reshape(-1), *([u[place]] if layer.bias_name else [])]
    return torch.cat(parts)


@pytest.mark.parametrize("problem", CASES.values(), ids=CASES)
@pytest.mark.parametrize("side", [0, 1])
def test_they_make_up_hessian_products(problem: Perceptron, side: Side) -> None:
    x, y, found = sides(problem, side)
    reference = problem.reference
    for i in range(len(x)):
        for j in range(len(y)):
            direction, base = (i, 2 + j) if side == 0 else (2 + j, i)
            state, row = (y, j) if side == 0 else (x, i)
            expected = reference.hessians[base] @ reference.gradients[direction]
            made = product(problem, state, row, [u[i, j] for u in found.u], [v[i, j] for v in found.v])
            torch.testing.assert_close(made, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("problem", CASES.values(), ids=CASES)
def test_they_make_up_gauss_newton_products(problem: Perceptron) -> None:
    _, y, found = sides(problem, 0)
    theta = torch.cat([p.detach().reshape(-1) for p in problem.model.parameters()])
    reference = problem.reference
    for j in range(len(y)):
        inputs, target = problem.inputs[2 + j], problem.targets[2 + j]
        J = torch.autograd.functional.jacobian(lambda v, a=inputs: logits(problem.model, v, a[None])[0], theta)
        z = logits(problem.model, theta, inputs[None])[0].detach()
        S = torch.autograd.functional.hessian(lambda v, t=target: problem.loss(v, t), z)
        made = product(problem, y, j, [u[1, j] for u in found.u_gauss_newton], None)
        torch.testing.assert_close(made, J.T @ (S @ (J @ reference.gradients[1])), rtol=1e-10, atol=1e-13)


def test_dtypes() -> None:
    found = sides(perceptron().to(torch.float32), 0)[2]
    assert [tensor.dtype for tensor in (*found.v, *found.u)] == [torch.float32] * 4 + [torch.float64]


def test_nothing_is_taken_that_is_not_wanted() -> None:
    problem = perceptron()
    x, y, _ = sides(problem, 0)
    found = tangents(problem.loss, x, y, Grams.of(x, y), 0, gauss_newton=False, workspace=Workspace())
    assert found.u_gauss_newton == ()
