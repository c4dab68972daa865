import itertools

import pytest
import torch

from schemas.bracket_results import MINIBATCHES
from workers.brackets import minibatches as module
from workers.brackets.minibatches import minibatch_brackets, minibatch_columns

BATCHES = [(0, 1, 2), (3, 4), (2, 3, 5), (2, 1, 0), (5,)]


def examples_of(problem):
    return lambda indices: (problem.inputs[list(indices)], problem.targets[list(indices)])


def brackets(problem, pairs, batches=BATCHES, **more):
    return minibatch_brackets(problem.functional, examples_of(problem), batches, pairs, **more)


@pytest.mark.parametrize(("b", "c"), [(0, 1), (1, 2), (0, 2), (2, 4)])
def test_a_bracket_of_means_is_the_mean_of_brackets(problem, b: int, c: int) -> None:
    (found,) = brackets(problem, [(b, c)])
    reference = problem.reference
    pairs = list(itertools.product(BATCHES[b], BATCHES[c]))
    mean = torch.stack([reference.bracket(x, y) for x, y in pairs]).mean(0)
    without_shared = torch.stack([reference.bracket(x, y) for x, y in pairs if x != y]).sum(0) / len(pairs)
    assert found.norm == pytest.approx(float(mean.norm()), rel=1e-9)
    assert found.norm == pytest.approx(float(without_shared.norm()), rel=1e-9)
    assert found.shared == len(set(BATCHES[b]) & set(BATCHES[c]))
    g_b, g_c = (reference.gradients[list(BATCHES[place])].mean(0) for place in (b, c))
    H_b, H_c = (reference.hessians[list(BATCHES[place])].mean(0) for place in (b, c))
    assert found.gradient_norm_b == pytest.approx(float(g_b.norm()))
    assert found.gradient_norm_c == pytest.approx(float(g_c.norm()))
    assert found.gradient_cosine == pytest.approx(float(torch.cosine_similarity(g_b, g_c, dim=0)))
    assert found.hvp_norm_bc == pytest.approx(float((H_c @ g_b).norm()))
    assert found.hvp_norm_cb == pytest.approx(float((H_b @ g_c).norm()))


def test_equal_batches_commute_exactly_whatever_their_order(problem_of) -> None:
    (found,) = brackets(problem_of("mlp-mish-bce", torch.float32), [(0, 3)])
    assert (found.norm, found.shared) == (0, 3)


def test_two_products_per_pair_and_one_gradient_per_batch(problem_of, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, counts = problem_of("mlp-mish-bce"), {"mean_gradient": 0, "mean_product": 0}

    def count(name: str) -> None:
        whole = getattr(module, name)

        def counted(*given):
            counts[name] += 1
            return whole(*given)

        monkeypatch.setattr(module, name, counted)

    for name in counts:
        count(name)
    pairs = list(itertools.combinations(range(len(BATCHES)), 2))
    whole = brackets(problem, pairs)
    assert counts == {"mean_gradient": len(BATCHES), "mean_product": 2 * len(pairs)}
    assert brackets(problem, pairs, held=2) == whole


def test_columns_fill_the_table_and_divide_by_nothing(problem_of) -> None:
    problem = problem_of("mlp-mish-bce")
    P = problem.reference.gradients.shape[1]
    pairs = [(0, 1), (0, 3)]
    found = brackets(problem, pairs)
    columns = minibatch_columns(40, pairs, found, P)
    assert set(columns) == {column.name for column in MINIBATCHES.columns}
    assert (columns["step"], columns["b"], columns["c"]) == ([40, 40], [0, 0], [1, 3])
    first = found[0]
    assert columns["bracket_rms"][0] == pytest.approx(first.norm / P**0.5)
    assert columns["defect"][0] == pytest.approx(first.norm / (first.gradient_norm_b * first.gradient_norm_c))
    assert columns["cancellation"][0] == pytest.approx(first.norm / (first.hvp_norm_bc + first.hvp_norm_cb))
    nothing = [module.MinibatchBracket(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)]
    vanishing = minibatch_columns(0, [(0, 1)], nothing, P)
    assert (vanishing["defect"], vanishing["cancellation"]) == ([0.0], [1.0])
