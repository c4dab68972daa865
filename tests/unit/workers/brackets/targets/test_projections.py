import itertools

import numpy as np
import pytest
import torch

from workers.brackets.targets import projections as module
from workers.brackets.targets.projections import Projections, project_rows
from workers.brackets.vectors import flat, shaped

N = 6


def random_directions(problem, Q: int) -> list[dict[str, torch.Tensor]]:
    draw = torch.Generator().manual_seed(1)
    P = problem.reference.gradients.shape[1]
    vectors = torch.randn(Q, P, generator=draw, dtype=torch.float64)
    return [shaped(vector, problem.functional.parameters) for vector in vectors]


def project(problem, rows: range, directions, micro: int, **more) -> Projections:
    return project_rows(problem.functional, problem.inputs, problem.targets, rows, directions, micro, **more)


@pytest.mark.parametrize(("rows", "micro"), [(range(N), 2), (range(N), 10), (range(1, 3), 3), (range(5, 6), 1)])
def test_projections_are_dot_products_with_dense_brackets(problem, rows: range, micro: int) -> None:
    directions = random_directions(problem, 3)
    found = project(problem, rows, directions, micro)
    expected = [(a, b) for a, b in itertools.combinations(range(N), 2) if a in rows]
    assert [tuple(pair) for pair in found.pairs.tolist()] == expected
    values = torch.stack([problem.reference.bracket(a, b) for a, b in expected]) if expected else torch.zeros(0, 1)
    if expected:
        matrix = torch.stack([flat(q) for q in directions])
        np.testing.assert_allclose(found.values, values @ matrix.T, rtol=1e-9, atol=1e-13)
    assert found.values.shape == (len(expected), 3)


def test_all_pairs_take_one_product_per_example_and_direction(problem_of, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of("mlp-mish-bce")
    seen = []
    whole = module.Factors.spread

    def counted(self, inputs, targets, directions):
        seen.append(len(inputs) * len(next(iter(directions.values()))))
        return whole(self, inputs, targets, directions)

    monkeypatch.setattr(module.Factors, "spread", counted)
    project(problem, range(N), random_directions(problem, 1), micro=4)
    assert sum(seen) == N
    seen.clear()
    project(problem, range(N), random_directions(problem, 3), micro=4)
    assert sum(seen) == 3 * N


def test_more_directions_than_go_together(problem_of, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of("mlp-tanh-squares")
    directions = random_directions(problem, 5)
    whole = project(problem, range(N), directions, 3).values
    monkeypatch.setattr(module, "DIRECTIONS", 2)
    np.testing.assert_allclose(project(problem, range(N), directions, 3).values, whole, rtol=1e-10)


def test_float32_products_are_added_in_float64(problem_of) -> None:
    problem, exact = problem_of("mlp-mish-bce", torch.float32), problem_of("mlp-mish-bce")
    directions = random_directions(problem, 1)
    found = project(problem, range(N), directions, 4)
    assert found.values.dtype == np.float64
    expected = project(exact, range(N), [{n: q.double() for n, q in directions[0].items()}], 4).values
    np.testing.assert_allclose(found.values, expected, atol=1e-5 * np.abs(expected).max())


def test_a_pause_ends_the_work(problem_of) -> None:
    def stop() -> None:
        raise InterruptedError("told to stop")

    with pytest.raises(InterruptedError, match="told to stop"):
        project(problem_of("mlp-mish-bce"), range(N), random_directions(problem_of("mlp-mish-bce"), 1), 2, pause=stop)
