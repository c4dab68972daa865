from math import inf

import pytest
import torch

from tests.support.dense import logits
from workers.brackets import pairs as module
from workers.brackets.geometry import TileShape
from workers.brackets.pairs import Tile, TileTask, compute_tile
from workers.brackets.reductions import PairSums
from workers.errors import Cancelled

N = 6
DIAGONAL = TileShape(range(N), range(N))
FIELDS = tuple(PairSums.__dataclass_fields__)


def tile(problem, shape: TileShape = DIAGONAL, micro: int = N, **task) -> Tile:
    return compute_tile(problem.functional, problem.inputs, problem.targets, TileTask(shape, micro, **task))


def dense_sums(problem, shape: TileShape) -> dict[str, torch.Tensor]:
    """Every sum of a tile from whole Hessians."""
    reference = problem.reference
    rows: dict[str, list[torch.Tensor]] = {name: [] for name in FIELDS}
    for a, b in shape.members():
        g_a, g_b = reference.gradients[a], reference.gradients[b]
        bracket = reference.bracket(a, b)
        rows["squares"].append(torch.stack([part @ part for part in bracket.split(reference.sizes)]))
        rows["dot_x"].append(bracket @ g_a)
        rows["dot_y"].append(bracket @ g_b)
        rows["gradient_dot"].append(g_a @ g_b)
        rows["square_xy"].append((reference.hessians[b] @ g_a).square().sum())
        rows["square_yx"].append((reference.hessians[a] @ g_b).square().sum())
    return {name: torch.stack(values) for name, values in rows.items()}


def assert_sums(found: PairSums, expected: dict[str, torch.Tensor], rtol: float, atol: float = 1e-14) -> None:
    for name in FIELDS:
        torch.testing.assert_close(
            getattr(found, name), expected[name], rtol=rtol, atol=atol, msg=lambda m, n=name: f"{n}: {m}"
        )


@pytest.mark.parametrize("shape", [DIAGONAL, TileShape(range(2), range(3, 6))], ids=["diagonal", "rectangle"])
@pytest.mark.parametrize("micro", [1, 2, 4, 6])
def test_every_sum_agrees_with_whole_hessians(problem, shape: TileShape, micro: int) -> None:
    found = tile(problem, shape, micro)
    assert_sums(found.sums, dense_sums(problem, shape), rtol=1e-10)
    for position in shape.positions:
        torch.testing.assert_close(found.losses[position], problem.reference.losses[position])
        parts = problem.reference.gradients[position].split(problem.reference.sizes)
        torch.testing.assert_close(found.gradient_squares[position], torch.stack([part @ part for part in parts]))


def test_float32_agrees_to_its_rounding(problem_of) -> None:
    problem = problem_of("convnet-batchnorm-mish", torch.float32)
    found = tile(problem).sums
    expected = dense_sums(problem, DIAGONAL)
    assert found.squares.dtype == torch.float64
    norm, reference = found.squares.sum(1).sqrt(), expected["squares"].sum(1).sqrt()
    torch.testing.assert_close(norm, reference, rtol=2e-4, atol=0)
    assert not torch.equal(norm, reference)


def test_tiles_of_a_triangle_are_the_whole_triangle(problem) -> None:
    whole = tile(problem, micro=3, test_inputs=problem.inputs[:2])
    cut = [range(2), range(2, 6)]
    for rows, columns in ((cut[0], cut[0]), (cut[0], cut[1]), (cut[1], cut[1])):
        shape = TileShape(rows, columns)
        part = tile(problem, shape, 3, test_inputs=problem.inputs[:2])
        places = [DIAGONAL.index(a, b) for a, b in shape.members()]
        assert_sums(part.sums, {name: getattr(whole.sums, name)[places] for name in FIELDS}, rtol=1e-10)
        torch.testing.assert_close(part.logits, whole.logits[places], rtol=1e-9, atol=1e-12)


def test_equal_calls_give_equal_bits(problem) -> None:
    first, second = (tile(problem, micro=4, test_inputs=problem.inputs) for _ in range(2))
    for name in FIELDS:
        assert torch.equal(getattr(first.sums, name), getattr(second.sums, name))
    assert torch.equal(first.logits, second.logits)


def test_kept_brackets_and_their_sign(problem) -> None:
    wanted = frozenset({(0, 1), (2, 5)})
    found = tile(problem, micro=2, kept=wanted)
    assert found.kept.keys() == wanted
    for (a, b), bracket in found.kept.items():
        assert list(bracket) == list(problem.functional.parameters)
        flat = torch.cat([tensor.reshape(-1) for tensor in bracket.values()])
        torch.testing.assert_close(flat, problem.reference.bracket(a, b), rtol=1e-9, atol=1e-13)


def test_logits_move_by_the_jacobian_along_the_bracket(problem) -> None:
    test = problem.inputs[1:4]
    found = tile(problem, micro=4, test_inputs=test).logits
    theta = torch.cat([p.detach().reshape(-1) for p in problem.model.parameters()])
    jacobian = torch.autograd.functional.jacobian(lambda t: logits(problem.model, t, test), theta)
    for place, (a, b) in enumerate(DIAGONAL.members()):
        torch.testing.assert_close(found[place], jacobian @ problem.reference.bracket(a, b), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("shape", "micro", "expected"), [
    (DIAGONAL, 6, N * (N - 1)),
    (DIAGONAL, 4, N * (N - 1)),
    (TileShape(range(2), range(3, 6)), 2, 2 * 2 * 3),
])  # fmt: skip
def test_every_product_is_taken_once(
    problem_of, monkeypatch: pytest.MonkeyPatch, shape: TileShape, micro: int, expected: int
) -> None:
    taken = 0
    real = module.hessian_products

    def counted(functional, example, target, directions):
        nonlocal taken
        taken += len(next(iter(directions.values())))
        return real(functional, example, target, directions)

    monkeypatch.setattr(module, "hessian_products", counted)
    tile(problem_of("mlp-mish-bce"), shape, micro)
    assert taken == expected


def test_a_single_example_has_no_pairs(problem) -> None:
    found = tile(problem, TileShape(range(2, 3), range(2, 3)))
    assert found.sums.squares.shape == (0, len(problem.functional.parameters))
    assert list(found.gradient_squares) == [2]


def test_a_tile_ends_when_told_to(problem_of) -> None:
    calls = 0

    def pause() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Cancelled("stop")

    problem = problem_of("mlp-mish-bce")
    with pytest.raises(Cancelled, match="stop"):
        compute_tile(problem.functional, problem.inputs, problem.targets, TileTask(DIAGONAL, 2), pause)
    assert calls == 3


def test_examples_with_equal_content_have_no_bracket(problem) -> None:
    problem.inputs[1], problem.targets[1] = problem.inputs[0], problem.targets[0]
    found = tile(problem).sums
    place = DIAGONAL.index(0, 1)
    assert float(found.squares[place].sum().sqrt()) <= 1e-12 * float(found.square_xy[place].sqrt())
    assert float(found.square_xy[place]) > 0


def test_values_that_are_not_finite_stay_visible(problem_of) -> None:
    problem = problem_of("mlp-mish-bce")
    problem.inputs[3] = inf
    found = tile(problem)
    assert not found.gradient_squares[3].isfinite().all()
    assert found.gradient_squares[2].isfinite().all()
