import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workers.replicas.distances.cka import COLUMNS, Representation


def features(n: int, d: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=draw, dtype=torch.float64) * torch.rand(d, generator=draw) + 3


def cka(x: Tensor, y: Tensor) -> float:
    return Representation.of(x).cka(Representation.of(y))


def dense(x: Tensor, y: Tensor) -> float:
    """From centred Gram matrices, tr(KHLH) / √(tr(KHKH) tr(LHLH))."""
    n = len(x)
    H = np.eye(n) - 1 / n
    K, L = (H @ (z @ z.T).numpy() @ H for z in (x, y))
    return float(np.trace(K @ L) / np.sqrt(np.trace(K @ K) * np.trace(L @ L)))


@pytest.mark.parametrize(
    ("n", "d", "e"), [(40, 5, 7), (6, 30, 20), (6, 5, 30), (COLUMNS + 50, COLUMNS + 40, 3), (40, 60, 1)]
)
def test_both_forms_are_the_definition(n: int, d: int, e: int) -> None:
    x, y = features(n, d, 0), features(n, e, 1)
    assert cka(x, y) == pytest.approx(dense(x, y), rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(40, 5), (6, 30)])
def test_equal_features_have_exactly_one(n: int, d: int) -> None:
    x = features(n, d, 0).float()
    assert cka(x, x.clone()) == 1


@settings(max_examples=50)
@given(st.integers(0, 100), st.floats(1e-3, 1e3), st.booleans(), st.sampled_from([(30, 4), (5, 12)]))
def test_rotations_scales_and_translations_change_nothing(
    seed: int, scale: float, mirror: bool, shape: tuple[int, int]
) -> None:
    x, y = features(*shape, seed), features(*shape, seed + 1000)
    rotation = torch.linalg.qr(features(shape[1], shape[1], seed + 2000) - 3)[0]
    turned = scale * (x @ rotation) * (-1 if mirror else 1) + 5
    assert cka(x, turned) == pytest.approx(1, abs=1e-10)
    assert cka(turned, y) == pytest.approx(cka(x, y), abs=1e-10)
    assert cka(y, x) == pytest.approx(cka(x, y), abs=1e-12)
    assert 0 <= cka(x, y) <= 1


def test_features_that_share_nothing_have_zero() -> None:
    axes = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert cka(axes[:, :1], axes[:, 1:]) == 0


def test_features_that_do_not_vary_have_none() -> None:
    assert np.isnan(cka(torch.full((7, 3), 0.1), features(7, 3, 0)))


def test_features_that_are_not_finite_have_none() -> None:
    x = features(7, 3, 0)
    x[2, 1] = torch.inf
    assert np.isnan(cka(x, features(7, 3, 1)))
