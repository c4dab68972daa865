import pytest
import torch

from tests.support.dense import logits
from tests.support.perceptrons import perceptron
from workers.brackets.paths.structured import logits as logits_of_pairs
from workers.brackets.paths.structured.block import Block
from workers.brackets.paths.structured.logits import make_tests, perturbations
from workers.brackets.paths.structured.network import Network
from workers.brackets.paths.structured.state import first_order
from workers.brackets.paths.structured.workspace import Workspace


def test_what_comes_back_from_a_logit_is_its_derivative() -> None:
    problem = perceptron((3, 4, 5, 2))
    made = make_tests(Network.of(problem.functional), problem.inputs[:3])
    assert (made.outputs, len(made.activations), len(made.deltas)) == (2, 3, 2)
    torch.testing.assert_close(made.activations[0], problem.inputs[:3].T)

    def last_layers(z: torch.Tensor) -> torch.Tensor:
        return problem.model[3:](torch.tanh(z))

    for t in range(3):
        z = problem.model[1](problem.inputs[t]).detach()
        J = torch.autograd.functional.jacobian(last_layers, z)
        torch.testing.assert_close(made.deltas[0].view(4, 2, 3)[:, :, t].T, J)


@pytest.mark.parametrize(("widths", "bias"), [((4, 3), True), ((4, 5, 3), False), ((3, 4, 5, 2), True)])
@pytest.mark.parametrize("square", [True, False])
def test_logits_move_by_the_jacobian_along_the_bracket(widths: tuple[int, ...], bias: bool, square: bool) -> None:
    problem = perceptron(widths, "silu", bias=bias)
    network, test = Network.of(problem.functional), problem.inputs[:4]
    left, right = (
        first_order(network, problem.loss, problem.inputs[part], problem.targets[part])
        for part in (slice(0, 2), slice(2, 5))
    )
    made = Block.of(problem.loss, left, None if square else right, gauss_newton=False, workspace=Workspace())
    rows, columns = made.places()
    found = perturbations(made, make_tests(network, test), rows, columns)
    assert found.is_contiguous()
    theta = torch.cat([p.detach().reshape(-1) for p in problem.model.parameters()])
    J = torch.autograd.functional.jacobian(lambda v: logits(problem.model, v, test), theta)
    reference = problem.reference
    for place, (i, j) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        bracket = reference.bracket(i, j if square else 2 + j)
        torch.testing.assert_close(found[place], J @ bracket, rtol=1e-10, atol=1e-13)


def test_pairs_may_go_by_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = perceptron()
    network = Network.of(problem.functional)
    state = first_order(network, problem.loss, problem.inputs, problem.targets)
    made = Block.of(problem.loss, state, None, gauss_newton=False, workspace=Workspace())
    rows, columns = made.places()
    tests = make_tests(network, problem.inputs[:2])
    whole = perturbations(made, tests, rows, columns)
    monkeypatch.setattr(logits_of_pairs, "NUMBERS", 3 * 2 * 3)
    torch.testing.assert_close(perturbations(made, tests, rows, columns), whole)
    none = torch.tensor([], dtype=torch.int64)
    assert perturbations(made, tests, none, none).shape == (0, 2, 3)
