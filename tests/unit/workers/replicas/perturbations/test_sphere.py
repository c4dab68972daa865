import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.replicas.perturbations.sphere import along_sphere, norm


def vectors(seed: int, n: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    return scale * draw.standard_normal(n), draw.standard_normal(n)


RATIOS = st.floats(math.log(1e-6), math.log(1.9)).map(math.exp)


@given(st.integers(0, 10_000), st.integers(2, 400), RATIOS, st.floats(1e-3, 1e3))
def test_the_norm_stays_and_the_distance_is_epsilon(seed: int, n: int, ratio: float, scale: float) -> None:
    w, noise = vectors(seed, n, scale)
    r = float(np.linalg.norm(w))
    step = along_sphere(w, ratio, noise)
    assert abs(np.linalg.norm(w + step) / r - 1) <= 1e-12
    assert abs(np.linalg.norm(step) / (ratio * r) - 1) <= 1e-12
    assert abs(np.linalg.norm((w + step) - w) - ratio * r) <= 1e-12 * r


@pytest.mark.parametrize("ratio", [1e-6, 2.4e-4, 0.1, 1.0, math.sqrt(2), 1.9])
def test_it_is_the_turn_by_the_angle_of_that_chord(ratio: float) -> None:
    w, noise = vectors(1, 50, 3.0)
    basis, _ = np.linalg.qr(np.stack([w, noise], axis=1))
    towards = basis[:, 1] * np.sign(basis[:, 1] @ noise)
    angle = 2 * math.asin(ratio / 2)
    expected = math.cos(angle) * w + math.sin(angle) * np.linalg.norm(w) * towards
    np.testing.assert_allclose(w + along_sphere(w, ratio, noise), expected, rtol=0, atol=1e-13 * np.linalg.norm(w))


def test_the_ends_of_the_range() -> None:
    w, noise = vectors(2, 9, 1.0)
    assert not along_sphere(w, 0.0, noise).any()
    np.testing.assert_allclose(along_sphere(w, 2.0, noise), -2 * w, rtol=1e-15)


def test_near_the_far_end_no_digits_cancel() -> None:
    e = np.eye(4)
    ratio = 2 - 1e-9
    across = along_sphere(3 * e[0], ratio, e[1])[1]
    exact = float(Fraction(ratio) ** 2 * (1 - Fraction(ratio) ** 2 / 4))  # (ε/r)² (1 − ε²/4r²)
    assert across == pytest.approx(3 * math.sqrt(exact), rel=1e-14, abs=0)


def test_noise_almost_along_w_still_turns_by_epsilon() -> None:
    w, noise = vectors(3, 100, 1.0)
    step = along_sphere(w, 0.5, w + 1e-9 * noise)
    assert abs(np.linalg.norm(w + step) / np.linalg.norm(w) - 1) <= 1e-12


def test_norms_that_are_not_finite() -> None:
    assert norm(np.array([3.0, 4.0])) == 5.0
    assert norm(np.array([1e200])) == math.inf
    assert norm(np.array([-math.inf, 1.0])) == math.inf
    assert math.isnan(norm(np.array([math.nan, 1.0])))
