import pytest
import torch

from tests.support.perceptrons import Perceptron, perceptron
from workers.brackets.paths.structured import whole
from workers.brackets.paths.structured.block import Block
from workers.brackets.paths.structured.network import Network
from workers.brackets.paths.structured.state import first_order
from workers.brackets.paths.structured.whole import restore_cancelled, whole_brackets
from workers.brackets.paths.structured.workspace import Workspace


def block(problem: Perceptron) -> Block:
    network = Network.of(problem.functional)
    state = first_order(network, problem.loss, problem.inputs, problem.targets)
    return Block.of(problem.loss, state, None, gauss_newton=True, workspace=Workspace())


@pytest.mark.parametrize("widths", [(4, 3), (4, 5, 3), (3, 4, 5, 2)])
def test_whole_brackets_have_the_shapes_and_the_order_of_the_parameters(widths: tuple[int, ...]) -> None:
    problem = perceptron(widths)
    made = block(problem)
    rows, columns = torch.tensor([0, 2]), torch.tensor([1, 4])
    for bracket, (a, b) in zip(whole_brackets(made, rows, columns), [(0, 1), (2, 4)], strict=True):
        assert {name: tensor.shape for name, tensor in bracket.items()} == {
            name: parameter.shape for name, parameter in problem.model.named_parameters()
        }
        flat = torch.cat([tensor.reshape(-1) for tensor in bracket.values()])
        torch.testing.assert_close(flat, problem.reference.bracket(a, b), rtol=1e-10, atol=1e-14)


def test_norms_by_stretches_are_those_of_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "CANCELLED", 2.0)  # every pair counts as cancelled
    monkeypatch.setattr(whole, "TOGETHER", 3)
    monkeypatch.setattr(whole, "STRETCH", {"cpu": 7, "cuda": 7})
    made = block(perceptron())
    sums, again = made.sums(), made.sums()
    for name in again.scales:
        again.squares[name].zero_()
        again.share_squares[name].zero_()
    restore_cancelled(made, again)
    rows, columns = made.places()
    for name in sums.squares:
        for found, expected in ((again.squares, sums.squares), (again.share_squares, sums.share_squares)):
            torch.testing.assert_close(found[name][rows, columns], expected[name][rows, columns])


def test_equal_examples_have_no_bracket_at_all() -> None:
    problem = perceptron(activation="mish")
    problem.inputs[1], problem.targets[1] = problem.inputs[0], problem.targets[0]
    made = block(problem)
    sums = made.sums()
    restore_cancelled(made, sums)
    for squares, scales in ((sums.squares, sums.scales), (sums.share_squares, sums.share_scales)):
        for name in squares:
            assert float(squares[name][0, 1]) <= 1e-24 * float(scales[name][0, 1])
            assert float(scales[name][0, 1]) > 0


def test_float32_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "CANCELLED", 2.0)
    made = block(perceptron().to(torch.float32))
    sums = made.sums()
    before = {name: grid.clone() for name, grid in sums.squares.items()}
    restore_cancelled(made, sums)
    assert all(torch.equal(grid, before[name]) for name, grid in sums.squares.items())
