import pytest
import torch

from tests.support.perceptrons import perceptron
from workers.brackets.paths.structured.block import Block
from workers.brackets.paths.structured.network import Network
from workers.brackets.paths.structured.state import first_order
from workers.brackets.paths.structured.workspace import Workspace


def block(rows: slice, columns: slice | None) -> Block:
    problem = perceptron()
    network = Network.of(problem.functional)
    left = first_order(network, problem.loss, problem.inputs[rows], problem.targets[rows])
    right = (
        None
        if columns is None
        else first_order(network, problem.loss, problem.inputs[columns], problem.targets[columns])
    )
    return Block.of(problem.loss, left, right, gauss_newton=True, workspace=Workspace())


def test_places_are_ordered_by_row_then_column() -> None:
    rows, columns = block(slice(0, 3), None).places()
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]
    rows, columns = block(slice(0, 2), slice(2, 4)).places()
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("gauss_newton", [False, True])
def test_tangents_of_a_triangle_are_those_of_the_square_around_it(place: int, gauss_newton: bool) -> None:
    triangle, square = block(slice(0, 4), None), block(slice(0, 4), slice(0, 4))
    rows, columns = triangle.places()
    found, expected = (made.tangents_at(place, rows, columns, gauss_newton) for made in (triangle, square))
    for name in ("u_xy", "u_yx", "v_xy", "v_yx"):
        if getattr(expected, name) is None:
            assert getattr(found, name) is None
            assert place == 0 or gauss_newton
        else:
            torch.testing.assert_close(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_whole_grid_is_read_where_it_lies(place: int) -> None:
    made = block(slice(0, 2), slice(2, 5))
    rows, columns = made.places()
    whole = made.tangents_at(place, rows, columns)
    assert whole.u_xy.data_ptr() == made.xy.u[place].data_ptr()
    some = made.tangents_at(place, rows[1:], columns[1:])
    assert torch.equal(some.u_xy, whole.u_xy[1:])
    assert torch.equal(some.u_yx, whole.u_yx[1:])
