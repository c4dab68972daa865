from math import inf

import pytest
import torch

from tests.support.cases import CASES
from tests.support.dense import logits
from tests.support.tiles import PATHS, Found, tile_of, whole
from workers.brackets.paths import generic as module
from workers.brackets.paths.reductions import PairSums
from workers.brackets.tiles.geometry import TileShape
from workers.errors import Cancelled

N = 6
DIAGONAL = whole(N)
RECTANGLE = TileShape(range(2), range(3, 6))
FIELDS = tuple(PairSums.__dataclass_fields__)


# Every path must pass every test here, for every model it knows.
KNOWN = [(case, path) for case in CASES for path in PATHS if path != "structured" or case.startswith("mlp")]
every_model = pytest.mark.parametrize(("problem", "path"), KNOWN, indirect=["problem"])
every_path = pytest.mark.parametrize("path", PATHS)


def tile(problem, path: str, shape: TileShape = DIAGONAL, micro: int = N, **task) -> Found:
    return tile_of(PATHS[path](problem.functional), problem.inputs, problem.targets, shape, micro, **task)


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


@every_model
@pytest.mark.parametrize("shape", [DIAGONAL, RECTANGLE], ids=["diagonal", "rectangle"])
@pytest.mark.parametrize("micro", [1, 2, 4, 6])
def test_every_sum_agrees_with_whole_hessians(problem, path: str, shape: TileShape, micro: int) -> None:
    found = tile(problem, path, shape, micro).tile
    assert_sums(found.sums, dense_sums(problem, shape), rtol=1e-10)
    for position in shape.positions:
        torch.testing.assert_close(found.losses[position], problem.reference.losses[position])
        parts = problem.reference.gradients[position].split(problem.reference.sizes)
        torch.testing.assert_close(found.gradient_squares[position], torch.stack([part @ part for part in parts]))


@every_path
def test_float32_agrees_to_its_rounding(problem_of, path: str) -> None:
    case = "mlp-mish-bce" if path == "structured" else "convnet-batchnorm-mish"
    problem = problem_of(case, torch.float32)
    found = tile(problem, path).tile.sums
    expected = dense_sums(problem, DIAGONAL)
    assert found.squares.dtype == torch.float64
    norm, reference = found.squares.sum(1).sqrt(), expected["squares"].sum(1).sqrt()
    torch.testing.assert_close(norm, reference, rtol=2e-4, atol=0)
    assert not torch.equal(norm, reference)


@every_model
def test_tiles_of_a_triangle_are_the_whole_triangle(problem, path: str) -> None:
    full = tile(problem, path, micro=3, tests=problem.inputs[:2]).tile
    cut = [range(2), range(2, 6)]
    for rows, columns in ((cut[0], cut[0]), (cut[0], cut[1]), (cut[1], cut[1])):
        shape = TileShape(rows, columns)
        part = tile(problem, path, shape, 3, tests=problem.inputs[:2]).tile
        places = DIAGONAL.places(rows, columns)
        assert_sums(part.sums, {name: getattr(full.sums, name)[places] for name in FIELDS}, rtol=1e-10)
        torch.testing.assert_close(part.logits, full.logits[places], rtol=1e-9, atol=1e-12)


@every_model
def test_equal_calls_give_equal_bits(problem, path: str) -> None:
    first, second = (tile(problem, path, micro=4, tests=problem.inputs).tile for _ in range(2))
    for name in FIELDS:
        assert torch.equal(getattr(first.sums, name), getattr(second.sums, name))
    assert torch.equal(first.logits, second.logits)


@every_model
def test_kept_brackets_and_their_sign(problem, path: str) -> None:
    found = tile(problem, path, micro=2, kept=[(0, 1), (2, 5)])
    assert list(found.kept) == [(0, 1), (2, 5)]
    for place, (a, b) in zip(sorted(found.tile.kept), found.kept, strict=True):
        assert list(found.tile.kept[place]) == list(problem.functional.parameters)
        torch.testing.assert_close(found.kept[a, b], problem.reference.bracket(a, b), rtol=1e-9, atol=1e-13)


@every_model
def test_logits_move_by_the_jacobian_along_the_bracket(problem, path: str) -> None:
    test = problem.inputs[1:4]
    found = tile(problem, path, micro=4, tests=test).tile.logits
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
    tile(problem_of("mlp-mish-bce"), "generic", shape, micro)
    assert taken == expected


@every_model
def test_a_single_example_has_no_pairs(problem, path: str) -> None:
    found = tile(problem, path, TileShape(range(2, 3), range(2, 3))).tile
    assert found.sums.squares.shape == (0, len(problem.functional.parameters))
    assert list(found.gradient_squares) == [2]


@every_path
def test_a_tile_ends_when_told_to(problem_of, path: str) -> None:
    calls = 0

    def pause() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Cancelled("stop")

    problem = problem_of("mlp-mish-bce")
    with pytest.raises(Cancelled, match="stop"):
        tile(problem, path, micro=2, pause=pause)
    assert calls == 3


@every_model
def test_examples_with_equal_content_have_no_bracket(problem, path: str) -> None:
    problem.inputs[1], problem.targets[1] = problem.inputs[0], problem.targets[0]
    found = tile(problem, path).tile.sums
    place = 0  # of the pair (0, 1)
    assert float(found.squares[place].sum().sqrt()) <= 1e-12 * float(found.square_xy[place].sqrt())
    assert float(found.square_xy[place]) > 0


@every_path
def test_values_that_are_not_finite_stay_visible(problem_of, path: str) -> None:
    problem = problem_of("mlp-mish-bce")
    problem.inputs[3] = inf
    found = tile(problem, path).tile
    assert not found.gradient_squares[3].isfinite().all()
    assert found.gradient_squares[2].isfinite().all()


@every_model
def test_gauss_newton_parts_agree_with_whole_matrices(problem, path: str) -> None:
    found = tile(problem, path, micro=4, gauss_newton=True).tile.gauss_newton
    model, inputs, targets = problem.model, problem.inputs, problem.targets
    theta = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    matrices = []
    for x, t in zip(inputs, targets, strict=True):
        J = torch.autograd.functional.jacobian(lambda v, x=x: logits(model, v, x[None])[0], theta)
        z = logits(model, theta, x[None])[0].detach()
        S = torch.autograd.functional.hessian(lambda v, t=t: problem.functional.loss(v, t), z)
        matrices.append(J.T @ S @ J)
    for place, (a, b) in enumerate(DIAGONAL.members()):
        share = matrices[b] @ problem.reference.gradients[a] - matrices[a] @ problem.reference.gradients[b]
        squares = torch.stack([part @ part for part in share.split(problem.reference.sizes)])
        torch.testing.assert_close(found.squares[place], squares, rtol=1e-9, atol=1e-14)
        torch.testing.assert_close(found.dot[place], share @ problem.reference.bracket(a, b), rtol=1e-9, atol=1e-14)


@every_model
def test_only_the_wanted_pairs_get_logits(problem, path: str) -> None:
    test, wanted = problem.inputs[:3], [(0, 4), (1, 2), (3, 5)]
    everything = tile(problem, path, micro=3, tests=test).tile.logits
    found = tile(problem, path, micro=3, tests=test, moved=wanted).tile.logits
    places = [place for place, (a, b) in enumerate(DIAGONAL.members()) if (a, b) in wanted]
    torch.testing.assert_close(found, everything[places], rtol=1e-10, atol=1e-14)
    assert tile(problem, path, micro=3, tests=test, moved=[]).tile.logits is None


@every_path
def test_twice_the_digits_at_the_same_point(problem_of, path: str) -> None:
    problem = problem_of("mlp-gelu-softmax", torch.float32)
    double = PATHS[path](problem.functional).double()
    found = tile_of(double, problem.inputs.double(), problem.targets.double()).tile.sums
    torch.testing.assert_close(found.squares, dense_sums(problem, DIAGONAL)["squares"], rtol=1e-4, atol=1e-14)
    exact = PATHS["generic"](problem.functional).double()
    expected = tile_of(exact, problem.inputs.double(), problem.targets.double()).tile.sums
    torch.testing.assert_close(found.squares, expected.squares, rtol=1e-10, atol=1e-16)
