import pytest
import torch
from torch import Tensor

from tests.support.perceptrons import perceptron
from workers.brackets.paths.structured import dots
from workers.brackets.paths.structured.dots import Dots, Gram, Grams
from workers.brackets.paths.structured.network import Network
from workers.brackets.paths.structured.state import State, first_order
from workers.brackets.paths.structured.tangents import tangents
from workers.brackets.paths.structured.workspace import Workspace

FIELDS = tuple(Dots.__dataclass_fields__)


def numbers(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=dtype)


def states() -> tuple[State, State]:
    problem = perceptron(activation="gelu")
    network = Network.of(problem.functional)
    whole = first_order(network, problem.loss, problem.inputs, problem.targets)
    left, right = (
        first_order(network, problem.loss, problem.inputs[part], problem.targets[part])
        for part in (slice(0, 2), slice(2, 5))
    )
    assert len(whole) == len(left) + len(right)
    return left, right


@pytest.mark.parametrize("numbers_held", [1, 50, 1000])
def test_every_product_is_that_of_its_name(monkeypatch: pytest.MonkeyPatch, numbers_held: int) -> None:
    monkeypatch.setitem(dots.NUMBERS, "cpu", numbers_held)
    vectors = {"xy": numbers(3, 4, 7), "yx": numbers(3, 4, 7) + 1, "x": numbers(3, 7), "y": numbers(4, 7)}
    found = Dots.of(vectors["xy"], vectors["yx"], vectors["x"], vectors["y"], Workspace())
    for i in range(3):
        for j in range(4):
            at = {"xy": vectors["xy"][i, j], "yx": vectors["yx"][i, j], "x": vectors["x"][i], "y": vectors["y"][j]}
            for name in FIELDS:
                left, right = name.split("_")
                torch.testing.assert_close(getattr(found, name)[i, j], at[left] @ at[right])


@pytest.mark.parametrize("numbers_held", [1, 50, 1000])
def test_a_square_grid_is_its_own_other_side(monkeypatch: pytest.MonkeyPatch, numbers_held: int) -> None:
    monkeypatch.setitem(dots.NUMBERS, "cpu", numbers_held)
    xy, q = numbers(4, 4, 5), numbers(4, 5)
    found, expected = Dots.of(xy, None, q, q, Workspace()), Dots.of(xy, xy.transpose(0, 1), q, q, Workspace())
    for name in FIELDS:
        torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("numbers_held", [1, 50, 1000])
def test_inner_products_of_grids(monkeypatch: pytest.MonkeyPatch, numbers_held: int) -> None:
    monkeypatch.setitem(dots.NUMBERS, "cpu", numbers_held)
    left, right = numbers(3, 4, 5), numbers(4, 3, 5).transpose(0, 1)
    torch.testing.assert_close(dots.inner(left, right, Workspace()), (left * right).sum(2))
    single = dots.inner(left.float(), right.float(), Workspace())
    torch.testing.assert_close(single, (left.float().double() * right.float().double()).sum(2), rtol=1e-14, atol=0)


def test_products_of_float32_lose_nothing() -> None:
    xy, yx, q_x, q_y = (
        numbers(*shape, dtype=torch.float32) for shape in ((2, 3, 400), (2, 3, 400), (2, 400), (3, 400))
    )
    found = Dots.of(xy, yx, q_x, q_y, Workspace())
    expected = Dots.of(xy.double(), yx.double(), q_x.double(), q_y.double(), Workspace())
    for name in FIELDS:
        assert torch.equal(getattr(found, name), getattr(expected, name))


def test_tangents_of_the_first_layer_need_not_be_read() -> None:
    left, right = states()
    grams, workspace = Grams.of(left, right), Workspace()
    xy, yx = (
        tangents(perceptron().loss, left, right, grams, side, gauss_newton=False, workspace=workspace).v[0]
        for side in (0, 1)
    )
    expected = Dots.of(xy, yx, left.activations[1], right.activations[1], Workspace())
    found = Dots.of_first(left, right, left.network.layers[0].overlap(grams.activations[0].xy))
    for name in FIELDS:
        torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=1e-12, atol=1e-15)


def test_grams_hold_squares_at_their_sides() -> None:
    q_x, q_y = numbers(2, 5), numbers(3, 5)
    gram = Gram.of(q_x, q_y)
    assert (gram.xx.shape, gram.xy.shape, gram.yy.shape) == ((2, 1), (2, 3), (1, 3))
    torch.testing.assert_close(gram.xx[1, 0], q_x[1] @ q_x[1])
    torch.testing.assert_close(gram.xy[1, 2], q_x[1] @ q_y[2])
    torch.testing.assert_close(gram.yy[0, 2], q_y[2] @ q_y[2])
    assert Gram.of(q_x.float(), q_y.float()).xy.dtype == torch.float64


@pytest.mark.parametrize("side", [0, 1])
def test_grams_cover_every_layer(side: int) -> None:
    left, right = states()
    grams = Grams.of(left, right)
    assert len(grams.activations) == len(grams.deltas) == 3
    example = (left, right)[side]
    own = (grams.deltas[1].xx[:, 0], grams.deltas[1].yy[0])[side]
    torch.testing.assert_close(own, example.deltas[1].square().sum(1))
