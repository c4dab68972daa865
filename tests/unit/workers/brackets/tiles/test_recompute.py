from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.support.tiles import Found, tile_of, whole
from workers.brackets.paths import generic as module
from workers.brackets.paths.generic import Generic
from workers.brackets.paths.reductions import PairSums
from workers.brackets.tiles.geometry import TileShape
from workers.brackets.tiles.recompute import THRESHOLD, cancelled, identical, recompute_cancelled
from workers.brackets.tiles.tile import TileTask

N = 6
NEAR = 1e-6


def near_twins(problem_of, pairs, dtype=torch.float32, away: float = NEAR):
    """A problem in which the second of each pair is almost the first, so that their bracket nearly cancels."""
    problem = problem_of("mlp-mish-bce", dtype)
    for a, b in pairs:
        problem.inputs[b] = problem.inputs[a] * (1 + b * away)
        problem.targets[b] = problem.targets[a]
    return problem


def computed(problem, shape: TileShape, micro: int) -> tuple[Found, TileTask]:
    members = [tuple(pair) for pair in shape.members().tolist()]
    found = tile_of(
        Generic(problem.functional),
        problem.inputs,
        problem.targets,
        shape,
        micro,
        tests=problem.inputs[:2],
        kept=members,
        gauss_newton=True,
    )
    everywhere = np.ones(shape.pairs, dtype=np.bool_)
    return found, TileTask(shape, micro, True, moved=everywhere, kept=everywhere)


def recomputed(problem, found: Found, task: TileTask) -> np.ndarray:
    path = Generic(problem.functional)
    return recompute_cancelled(path, problem.inputs, problem.targets, found.tile, task, problem.inputs[:2])


def exact(problem, shape: TileShape) -> Found:
    double = replace(problem, functional=problem.functional.double(), inputs=problem.inputs.double())
    return computed(replace(double, targets=problem.targets.double()), shape, N)[0]


CASES = {
    "one": ([(0, 3)], whole(N), 6),
    "row": ([(0, 3), (0, 4)], whole(N), 4),
    "most": ([(0, 1), (0, 2), (0, 3)], whole(4), 4),
    "rectangle": ([(1, 4)], TileShape(range(2), range(3, 6)), 2),
}


@pytest.mark.parametrize("case", CASES)
def test_cancelled_pairs_have_the_digits_of_float64_and_others_are_not_touched(problem_of, case: str) -> None:
    pairs, shape, micro = CASES[case]
    problem = near_twins(problem_of, pairs)
    found, task = computed(problem, shape, micro)
    before, _ = computed(problem, shape, micro)
    flags = recomputed(problem, found, task)
    right = exact(problem, shape).tile
    assert {tuple(pair) for pair in shape.members()[flags].tolist()} >= set(pairs)
    hit, rest = torch.from_numpy(np.flatnonzero(flags)), torch.from_numpy(np.flatnonzero(~flags))
    tile = found.tile
    for name in PairSums.__dataclass_fields__:
        sums = getattr(tile.sums, name)
        torch.testing.assert_close(sums[hit], getattr(right.sums, name)[hit], rtol=1e-6, atol=1e-30)
        assert torch.equal(sums[rest], getattr(before.tile.sums, name)[rest])
    torch.testing.assert_close(tile.gauss_newton.squares[hit], right.gauss_newton.squares[hit], rtol=1e-6, atol=1e-30)
    torch.testing.assert_close(tile.gauss_newton.dot[hit], right.gauss_newton.dot[hit], rtol=1e-6, atol=1e-30)
    torch.testing.assert_close(tile.logits[hit].double(), right.logits[hit], rtol=1e-5, atol=1e-16)
    assert torch.equal(tile.logits[rest], before.tile.logits[rest])
    assert tile.logits.dtype == torch.float32
    for place in hit.tolist():
        for name, tensor in tile.kept[place].items():
            assert tensor.dtype == torch.float32
            torch.testing.assert_close(tensor.double(), right.kept[place][name], rtol=1e-5, atol=1e-16)


def test_single_precision_alone_would_have_been_wrong(problem_of) -> None:
    problem = near_twins(problem_of, [(0, 3)])
    found, right = computed(problem, whole(N), N)[0], exact(problem, whole(N))
    place = 2  # of the pair (0, 3)
    error = found.tile.sums.squares[place].sum().sqrt() / right.tile.sums.squares[place].sum().sqrt() - 1
    assert abs(float(error)) > 1e-5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_examples_have_no_bracket_at_all(problem_of, dtype: torch.dtype) -> None:
    problem = near_twins(problem_of, [(0, 3), (1, 4)], dtype, away=0.0)
    found, task = computed(problem, whole(N), 3)
    flags = recomputed(problem, found, task)
    hit = [tuple(pair) for pair in whole(N).members()[flags].tolist()]
    assert set(hit) in ({(0, 3), (1, 4)}, set())  # in float64 products may agree to the last bit
    for place in np.flatnonzero(flags).tolist():
        tile = found.tile
        for values in (tile.sums.squares[place], tile.sums.dot_x[place], tile.gauss_newton.squares[place]):
            assert float(values.abs().max()) == 0
        assert float(tile.logits[place].abs().max()) == 0
        assert all(float(tensor.abs().max()) == 0 for tensor in tile.kept[place].values())
        assert float(tile.sums.square_xy[place]) > 0


def counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []
    whole_ = module.hessian_products

    def counted(functional, example, target, directions):
        seen.append(len(next(iter(directions.values()))))
        return whole_(functional, example, target, directions)

    monkeypatch.setattr(module, "hessian_products", counted)
    return seen


def test_nothing_is_computed_when_nothing_is_cancelled(problem_of, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of("mlp-mish-bce", torch.float32)
    found, task = computed(problem, whole(N), N)
    seen = counting(monkeypatch)
    monkeypatch.setattr(Generic, "double", lambda self: pytest.fail("made a path in float64"))
    flags = recomputed(problem, found, task)
    assert not flags.any()
    assert seen == []


def test_a_few_pairs_cost_two_products_each(problem_of, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = near_twins(problem_of, [(0, 3), (0, 5)])
    found, task = computed(problem, whole(N), 2 * N)
    seen = counting(monkeypatch)
    flags = recomputed(problem, found, task)
    assert sum(seen) == 2 * int(flags.sum())
    assert len(seen) < 2 * int(flags.sum())  # the row's products are taken together


def test_pairs_without_products_are_not_cancelled() -> None:
    sums = PairSums.zeros(3, 2, torch.device("cpu"))
    sums.square_xy[:2] = 1.0
    sums.squares[0, 1] = (2 * THRESHOLD) ** 2
    assert cancelled(sums).tolist() == [False, True, False]


def test_examples_that_differ_in_their_target_are_not_identical() -> None:
    inputs = torch.zeros(3, 2)
    targets = torch.tensor([[0.0], [1.0], [0.0]])
    assert identical(inputs, targets, np.array([[0, 1], [0, 2]])).tolist() == [False, True]
