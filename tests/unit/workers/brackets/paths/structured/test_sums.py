import torch

from tests.support.perceptrons import perceptron
from workers.brackets.paths.structured.block import Block
from workers.brackets.paths.structured.network import Network
from workers.brackets.paths.structured.state import first_order
from workers.brackets.paths.structured.sums import Squares
from workers.brackets.paths.structured.workspace import Workspace


def test_every_sum_agrees_with_whole_hessians() -> None:
    problem = perceptron((3, 4, 5, 2), "gelu", "bce-sum")
    network = Network.of(problem.functional)
    x, y = (
        first_order(network, problem.loss, problem.inputs[part], problem.targets[part])
        for part in (slice(0, 2), slice(2, 5))
    )
    found = Block.of(problem.loss, x, y, gauss_newton=False, workspace=Workspace()).sums()
    reference = problem.reference
    assert list(found.squares) == list(network.names)
    for i in range(2):
        for j in range(3):
            g_x, g_y = reference.gradients[i], reference.gradients[2 + j]
            xy, yx = reference.hessians[2 + j] @ g_x, reference.hessians[i] @ g_y
            expected = {
                "dot_x": (xy - yx) @ g_x,
                "dot_y": (xy - yx) @ g_y,
                "gradient_dot": g_x @ g_y,
                "square_xy": xy @ xy,
                "square_yx": yx @ yx,
            }
            for name, value in expected.items():
                torch.testing.assert_close(getattr(found, name)[i, j], value, rtol=1e-9, atol=1e-14)
            parts = zip(network.names, xy.split(reference.sizes), yx.split(reference.sizes), strict=True)
            for name, part_xy, part_yx in parts:
                torch.testing.assert_close(found.squares[name][i, j], (part_xy - part_yx).square().sum())
                torch.testing.assert_close(found.scales[name][i, j], (part_xy @ part_xy) + (part_yx @ part_yx))
    assert found.share_squares == {}


def test_a_difference_that_rounds_below_nothing_is_nothing() -> None:
    one = torch.ones(1, 1, dtype=torch.float64)
    assert Squares(one, one, one * (1 + 1e-15)).of_difference().item() == 0
    assert Squares(one, one, 0.5 * one).of_difference().item() == 1
