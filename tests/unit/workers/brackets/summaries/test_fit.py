import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.brackets.summaries.fit import proportionality_fit

DECADES = st.floats(-12, 6)


@given(st.lists(st.tuples(DECADES, DECADES), min_size=3, max_size=30))
def test_fits_are_numpys(points: list[tuple[float, float]]) -> None:
    x, y = np.array(points).T
    fit = proportionality_fit(10**x, 10**y)
    assert fit.tensors == len(points)
    assert fit.intercept == pytest.approx(np.mean(y - x), abs=1e-9)
    assert fit.residual_sd_decades == pytest.approx(np.std(y - x, ddof=1), abs=1e-9)
    if np.std(x) > 1e-2:
        slope, intercept = np.polyfit(x, y, 1)
        assert fit.slope == pytest.approx(slope, rel=1e-6, abs=1e-6)
        assert fit.free_intercept == pytest.approx(intercept, rel=1e-6, abs=1e-5)
        if np.std(y) > 1e-2:
            assert fit.pearson_r == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-6)
            expected = 1 - np.sum((y - x - np.mean(y - x)) ** 2) / np.sum((y - np.mean(y)) ** 2)
            assert fit.r_squared_slope_1 == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_exact_proportionality() -> None:
    gradient = np.array([1e-3, 1e-2, 1.0])
    fit = proportionality_fit(gradient, 100 * gradient)
    assert fit.intercept == pytest.approx(2)
    assert fit.residual_sd_decades == pytest.approx(0, abs=1e-12)
    assert (fit.slope, fit.pearson_r, fit.r_squared_slope_1) == (pytest.approx(1),) * 3


def test_a_constant_may_do_better_than_slope_one() -> None:
    assert proportionality_fit(np.array([1e-3, 1.0]), np.array([2.0, 1.0])).r_squared_slope_1 < 0


def test_tensors_without_a_logarithm_are_left_out() -> None:
    fit = proportionality_fit(np.array([0.0, 1.0, 1.0, 10.0]), np.array([1.0, 0.0, 10.0, 100.0]))
    assert (fit.tensors, fit.excluded) == (2, 2)
    assert fit.intercept == pytest.approx(1)


@pytest.mark.parametrize(("n", "known"), [(0, set()), (1, {"intercept"}), (2, {"intercept", "residual_sd_decades"})])
def test_what_cannot_be_fitted_is_none(n: int, known: set[str]) -> None:
    fit = proportionality_fit(np.ones(n), np.full(n, 10.0))
    names = {"intercept", "residual_sd_decades", "slope", "free_intercept", "pearson_r", "r_squared_slope_1"}
    assert {name for name in names if getattr(fit, name) is not None} == known
