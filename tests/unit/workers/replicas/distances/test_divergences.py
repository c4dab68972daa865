from math import log, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor

from workers.replicas.distances.divergences import kl, root_js

LOGITS = arrays.arrays(np.float64, (3, 4), elements=st.floats(-40, 40))


def log_softmax(z: np.ndarray) -> Tensor:
    return torch.from_numpy(z).log_softmax(-1)


def dense(p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    """KL and √JS as they are defined, from probabilities."""

    def divergence(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(a > 0, a * (a / b).log(), 0).sum(-1)

    m = (p + q) / 2
    return divergence(p, q), (0.5 * divergence(p, m) + 0.5 * divergence(q, m)).clamp(min=0).sqrt()


@settings(max_examples=50)
@given(LOGITS, LOGITS)
def test_both_agree_with_their_definitions(first: np.ndarray, second: np.ndarray) -> None:
    log_p, log_q = log_softmax(first), log_softmax(second)
    expected_kl, expected_js = dense(log_p.exp(), log_q.exp())
    torch.testing.assert_close(kl(log_p, log_q), expected_kl, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(root_js(log_p, log_q), expected_js, rtol=1e-6, atol=1e-6)


@settings(max_examples=50)
@given(LOGITS, LOGITS, LOGITS)
def test_root_js_is_a_distance_below_its_bound(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> None:
    p, q, r = map(log_softmax, (first, second, third))
    assert (root_js(p, p) == 0).all()
    assert torch.equal(root_js(p, q), root_js(q, p))
    assert (root_js(p, q) <= sqrt(log(2)) + 1e-12).all()
    assert (root_js(p, r) <= root_js(p, q) + root_js(q, r) + 1e-12).all()


@settings(max_examples=50)
@given(LOGITS, LOGITS)
def test_kl_is_zero_for_equals_alone_and_bounds_js(first: np.ndarray, second: np.ndarray) -> None:
    p, q = log_softmax(first), log_softmax(second)
    assert (kl(p, p) == 0).all()
    assert (kl(p, q) >= 0).all()
    assert (root_js(p, q).square() <= kl(p, q) / 4 + kl(q, p) / 4 + 1e-12).all()


@pytest.mark.parametrize("size", [1e-3, 1e-6, 1e-9])
def test_close_distributions_follow_the_fisher_metric(size: float) -> None:
    z = np.array([0.3, -1.0, 2.0])
    moved = z + size * np.array([1.0, 0.5, -2.0])
    p = torch.from_numpy(z).softmax(-1)
    change = torch.from_numpy(moved - z)
    fisher = float(p @ change.square() - (p @ change) ** 2)
    log_p, log_q = log_softmax(z), log_softmax(moved)
    tolerance = 3 * size + 1e-15 / size
    assert float(kl(log_p, log_q)) == pytest.approx(fisher / 2, rel=tolerance)
    assert float(root_js(log_p, log_q)) == pytest.approx(sqrt(fisher / 8), rel=tolerance)


def test_opposite_certainties_stay_finite() -> None:
    p, q = log_softmax(np.array([2000.0, 0.0])), log_softmax(np.array([0.0, 2000.0]))
    assert float(kl(p, q)) == 2000
    assert float(root_js(p, q)) == pytest.approx(sqrt(log(2)), rel=1e-15)
