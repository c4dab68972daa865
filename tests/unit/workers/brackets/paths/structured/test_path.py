import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.support.dense import logits
from tests.support.perceptrons import ACTIVATIONS, LOSSES, Perceptron, perceptron
from workers.brackets.paths.generic import Generic
from workers.brackets.paths.path import PairBlock, Wanted
from workers.brackets.paths.reductions import PairSums
from workers.brackets.paths.structured.path import Structured

FIELDS = tuple(PairSums.__dataclass_fields__)


def block(path, problem: Perceptron, rows: slice, columns: slice | None, wanted: Wanted | None = None) -> PairBlock:
    left = path.first_order(problem.inputs[rows], problem.targets[rows])
    right = None if columns is None else path.first_order(problem.inputs[columns], problem.targets[columns])
    return path.pairs(left, right, wanted or Wanted())


def everything(path, problem: Perceptron, rows: slice, columns: slice | None) -> PairBlock:
    """A block with all that can be asked for, at all of its pairs."""
    m = len(problem.inputs[rows])
    pairs = m * (m - 1) // 2 if columns is None else m * len(problem.inputs[columns])
    places = range(pairs)
    return block(path, problem, rows, columns, Wanted(True, path.tests(problem.inputs[:2]), places, places))


def assert_close(found: Tensor, expected: Tensor, tolerance: float, what: str) -> None:
    """Relative to the largest entry: where products cancel, no path knows more."""
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    torch.testing.assert_close(
        found, expected, rtol=tolerance, atol=tolerance * scale + 1e-300, msg=lambda m: f"{what}: {m}"
    )


def assert_agree(found: PairBlock, expected: PairBlock, tolerance: float = 1e-10) -> None:
    for name in FIELDS:
        assert_close(getattr(found.sums, name), getattr(expected.sums, name), tolerance, name)
    assert_close(found.gauss_newton.squares, expected.gauss_newton.squares, tolerance, "Gauss–Newton squares")
    assert_close(found.gauss_newton.dot, expected.gauss_newton.dot, tolerance, "Gauss–Newton dot")
    if expected.logits is not None:
        assert_close(found.logits, expected.logits, tolerance, "logits")
    for bracket, other in zip(found.brackets, expected.brackets, strict=True):
        assert list(bracket) == list(other)
        for name in other:
            assert bracket[name].shape == other[name].shape
            assert_close(bracket[name], other[name], tolerance, name)


def assert_agrees_with_generic(problem: Perceptron, rows: slice = slice(0, 3), columns: slice | None = None) -> None:
    functional = problem.functional
    found = everything(Structured.of(functional), problem, rows, columns)
    assert_agree(found, everything(Generic(functional), problem, rows, columns))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation: str) -> None:
    assert_agrees_with_generic(perceptron(activation=activation))


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(loss: str) -> None:
    assert_agrees_with_generic(perceptron(loss=loss), slice(0, 2), slice(2, 5))


@pytest.mark.parametrize("widths", [(4, 3), (4, 5, 3), (4, 7, 2, 3), (4, 3, 5, 4, 3), (1, 1, 1), (3, 4, 1)])
@pytest.mark.parametrize("bias", [True, False])
def test_every_depth(widths: tuple[int, ...], bias: bool) -> None:
    assert_agrees_with_generic(perceptron(widths, loss="bce-sum", bias=bias), slice(0, 2), slice(2, 4))


@pytest.mark.parametrize(("rows", "columns"), [
    (slice(0, 5), None), (slice(0, 1), None), (slice(0, 2), None), (slice(0, 4), slice(4, 5)),
    (slice(0, 1), slice(1, 2)), (slice(0, 1), slice(1, 5)), (slice(3, 5), slice(0, 3)),
])  # fmt: skip
def test_every_shape_of_a_block(rows: slice, columns: slice | None) -> None:
    assert_agrees_with_generic(perceptron(), rows, columns)


def test_more_outputs_than_have_whole_curvatures() -> None:
    assert_agrees_with_generic(perceptron((3, 4, 66), N=3))
    assert_agrees_with_generic(perceptron((3, 4, 66), N=3), slice(0, 1), slice(1, 3))


@pytest.mark.parametrize("fixed", [("1.weight",), ("1.bias",), ("3.weight",), ("3.weight", "3.bias"), ("5.weight",)])
def test_parameters_that_are_held_fixed(fixed: tuple[str, ...]) -> None:
    problem = perceptron()
    for name in fixed:
        problem.model.get_parameter(name).requires_grad_(False)
    assert_agrees_with_generic(problem)
    assert_agrees_with_generic(problem, slice(0, 2), slice(2, 4))


def test_activations_in_a_row_and_nesting() -> None:
    problem = perceptron()
    inner = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Softplus())
    model = nn.Sequential(nn.Flatten(), inner, nn.Linear(4, 4), nn.Dropout(0.3), nn.Linear(4, 3)).double()
    assert_agrees_with_generic(Perceptron(model, problem.loss, problem.inputs.view(5, 2, 3), problem.targets))


@settings(max_examples=15)
@given(
    widths=st.lists(st.integers(1, 6), min_size=2, max_size=6),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    loss=st.sampled_from(sorted(LOSSES)),
    bias=st.booleans(),
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
    triangle=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_random_networks(
    widths: list[int], activation: str, loss: str, bias: bool, rows: int, columns: int, triangle: bool, seed: int
) -> None:
    m = rows + columns
    problem = perceptron(tuple(widths), activation, loss, bias=bias, N=m, seed=seed)
    assert_agrees_with_generic(problem, *((slice(0, m), None) if triangle else (slice(0, rows), slice(rows, m))))


def test_logits_move_by_the_jacobian_along_the_bracket() -> None:
    problem = perceptron(activation="gelu")
    found = everything(Structured.of(problem.functional), problem, slice(0, 2), slice(2, 4)).logits
    theta, test = torch.cat([p.detach().reshape(-1) for p in problem.model.parameters()]), problem.inputs[:2]
    J = torch.autograd.functional.jacobian(lambda v: logits(problem.model, v, test), theta)
    reference = problem.reference
    for place, (a, b) in enumerate([(0, 2), (0, 3), (1, 2), (1, 3)]):
        torch.testing.assert_close(found[place], J @ reference.bracket(a, b), rtol=1e-10, atol=1e-13)


def test_only_what_is_wanted_is_returned() -> None:
    problem = perceptron()
    path = Structured.of(problem.functional)
    bare = block(path, problem, slice(0, 4), None)
    assert (bare.gauss_newton, bare.logits, bare.brackets) == (None, None, [])
    whole = everything(path, problem, slice(0, 4), None)
    some = block(
        path, problem, slice(0, 4), None, Wanted(tests=path.tests(problem.inputs[:2]), moved=[1, 4], kept=[2])
    )
    torch.testing.assert_close(some.logits, whole.logits[[1, 4]])
    assert torch.equal(some.brackets[0]["3.weight"], whole.brackets[2]["3.weight"])


def test_equal_calls_give_equal_bits() -> None:
    problem = perceptron((20, 17, 9, 4), "gelu", N=7).to(torch.float32)
    first, again = (
        everything(Structured.of(problem.functional), problem, slice(0, 4), slice(4, 7)) for _ in range(2)
    )
    path = Structured.of(problem.functional)
    everything(path, problem, slice(0, 7), None)  # what a path did before leaves no trace
    third = everything(path, problem, slice(0, 4), slice(4, 7))
    for other in (again, third):
        assert all(torch.equal(getattr(first.sums, name), getattr(other.sums, name)) for name in FIELDS)
        assert torch.equal(first.logits, other.logits)


def test_results_do_not_change_with_later_blocks() -> None:
    problem = perceptron().to(torch.float32)
    path = Structured.of(problem.functional)
    first = everything(path, problem, slice(0, 3), None)
    kept = [{name: tensor.clone() for name, tensor in bracket.items()} for bracket in first.brackets]
    squares, moved = first.sums.squares.clone(), first.logits.clone()
    everything(path, problem, slice(2, 5), None)
    assert torch.equal(first.sums.squares, squares)
    assert torch.equal(first.logits, moved)
    assert all(torch.equal(a[name], b[name]) for a, b in zip(first.brackets, kept, strict=True) for name in a)


def test_examples_with_no_gradient_have_no_brackets() -> None:
    problem = perceptron(loss="squares-sum")
    with torch.no_grad():
        problem.targets[0] = problem.model(problem.inputs)[0]
        problem.targets[1] = problem.model(problem.inputs)[1]
    found = block(Structured.of(problem.functional), problem, slice(0, 2), None).sums
    assert float(found.squares.abs().max()) < 1e-25
    assert_agrees_with_generic(problem)


def nearly_equal(scale: float, dtype: torch.dtype = torch.float64) -> Perceptron:
    """Two examples that differ by `scale`, and a third."""
    problem = perceptron((30, 20, 20, 5), "mish", N=3, seed=3)
    problem.inputs[1] = problem.inputs[0] + scale * problem.inputs[1]
    problem.targets[1] = problem.targets[0]
    rounded = problem.to(torch.float32)
    return rounded.to(dtype)


@pytest.mark.parametrize("scale", [1e-2, 1e-4, 1e-6, 1e-9])
def test_float64_keeps_its_digits_where_products_cancel(scale: float) -> None:
    problem = nearly_equal(scale)
    found = everything(Structured.of(problem.functional), problem, slice(0, 2), None)
    expected = everything(Generic(problem.functional), problem, slice(0, 2), None)
    for squares, other in (
        (found.sums.squares, expected.sums.squares),
        (found.gauss_newton.squares, expected.gauss_newton.squares),
    ):
        torch.testing.assert_close(squares.sqrt(), other.sqrt(), rtol=1e-13 / scale + 1e-10, atol=0)


def test_float32_agrees_to_its_rounding_and_where_products_cancel() -> None:
    for scale, tolerance in ((1.0, 3e-6), (1e-1, 1e-5), (2e-4, 1e-3)):
        problem = nearly_equal(scale, torch.float32)
        found = block(Structured.of(problem.functional), problem, slice(0, 3), None).sums
        exact = block(Generic(problem.functional.double()), problem.to(torch.float64), slice(0, 3), None).sums
        torch.testing.assert_close(found.squares.sum(1).sqrt(), exact.squares.sum(1).sqrt(), rtol=tolerance, atol=0)


def test_the_same_point_in_float64() -> None:
    problem = nearly_equal(1e-5, torch.float32)
    double = Structured.of(problem.functional).double()
    found = block(double, problem.to(torch.float64), slice(0, 3), None).sums
    exact = block(Generic(problem.functional.double()), problem.to(torch.float64), slice(0, 3), None).sums
    torch.testing.assert_close(found.squares.sqrt(), exact.squares.sqrt(), rtol=1e-8, atol=0)
    assert double.name == "structured"


@pytest.mark.parametrize(("gauss_newton", "numbers"), [(False, 5 * (9 + 7) + 4), (True, 7 * (9 + 7) + 4)])
def test_memory_is_that_of_the_grid(gauss_newton: bool, numbers: int) -> None:
    problem = perceptron((30, 9, 7, 4), "gelu", N=8).to(torch.float32)
    path = Structured.of(problem.functional)
    for rows, columns in ((slice(0, 4), slice(4, 8)), (slice(0, 4), None), (slice(0, 2), slice(2, 5))):
        block(path, problem, rows, columns, Wanted(gauss_newton))
        assert path.workspace.nbytes == 16 * (4 * numbers + 24 * 9)
