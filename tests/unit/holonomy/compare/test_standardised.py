"""Hedges' g against a published value, its interval against scipy's noncentral t and by coverage."""

import math

import numpy as np
import pytest
from scipy import stats

from holonomy.compare.standardised import FAR, hedges_g, noncentrality_limits


def test_g_is_the_standardised_difference_less_its_bias() -> None:
    a, b = np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 7.0, 5.0])
    spread = math.sqrt((2 * a.var(ddof=1) + 3 * b.var(ddof=1)) / 5)
    found, low, high = hedges_g(a, b, 0.95)
    # The usual approximation of J is 1 − 3/(4ν − 1).
    assert found == pytest.approx((b.mean() - a.mean()) / spread * (1 - 3 / 19), rel=3e-3)
    assert low < found < high
    assert hedges_g(b, a, 0.95) == pytest.approx((-found, -high, -low))


@pytest.mark.parametrize("freedom", [2, 3, 8, 40, 198])
@pytest.mark.parametrize("t", [-3.0, 0.0, 0.3, 1.0, FAR, FAR + 0.1, 15.0])
@pytest.mark.parametrize("tail", [0.05, 0.001, 2.5e-5])
def test_limits_are_where_the_noncentral_t_leaves_the_tails(freedom: int, t: float, tail: float) -> None:
    low, high = noncentrality_limits(t, freedom, 1 - 2 * tail)
    assert stats.nct.sf(t, freedom, low) == pytest.approx(tail, rel=1e-4)
    assert stats.nct.cdf(t, freedom, high) == pytest.approx(tail, rel=1e-4)


def test_limits_far_out_are_those_of_the_spread_alone() -> None:
    for t in (1e4, 1e9, 1e15):
        low, high = noncentrality_limits(t, 4, 0.95)
        quantiles = stats.chi2.ppf([0.025, 0.975], 4)
        assert (low, high) == pytest.approx(tuple(t * np.sqrt(quantiles / 4)), rel=1e-3)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    truth, times, held = 1.5, 400, 0
    for _ in range(times):
        _, low, high = hedges_g(rng.normal(0, 1, 4), rng.normal(truth, 1, 5), 0.9)
        held += low <= truth <= high
    assert 0.85 < held / times < 0.95


def test_without_spread_there_is_no_unit() -> None:
    assert all(math.isnan(value) for value in hedges_g(np.full(3, 0.1), np.full(3, 0.2), 0.95))
