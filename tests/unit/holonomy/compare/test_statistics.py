"""Welch's comparison against scipy and against simulation; its symmetries."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from holonomy import Refused
from holonomy.compare.statistics import effect, holm

A = [0.31, 0.29, 0.36, 0.33]
B = [0.41, 0.37, 0.52]
positive = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=8)
signed = st.lists(st.integers(-(10**9), 10**9).map(lambda number: number / 2**20), min_size=2, max_size=8)


def test_a_ratio_is_welchs_interval_of_logarithms() -> None:
    found = effect(A, B)
    reference = stats.ttest_ind(np.log(B), np.log(A), equal_var=False)
    interval = reference.confidence_interval(0.95)
    assert found.scale == "ratio"
    assert found.estimate == pytest.approx(stats.gmean(B) / stats.gmean(A))
    assert (found.low, found.high) == pytest.approx((math.exp(interval.low), math.exp(interval.high)))
    assert found.p == pytest.approx(reference.pvalue)
    assert (found.mean_a, found.mean_b) == pytest.approx((stats.gmean(A), stats.gmean(B)))
    assert (found.n_a, found.n_b) == (4, 3)


def test_with_a_value_that_is_not_positive_it_is_that_of_differences() -> None:
    a, b = [*A, -0.1], B
    found = effect(a, b)
    reference = stats.ttest_ind(b, a, equal_var=False)
    interval = reference.confidence_interval(0.95)
    assert found.scale == "difference"
    assert found.estimate == pytest.approx(np.mean(b) - np.mean(a))
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.p == pytest.approx(reference.pvalue)


def test_a_family_shares_the_risk() -> None:
    interval = stats.ttest_ind(np.log(B), np.log(A), equal_var=False).confidence_interval(1 - 0.05 / 7)
    found = effect(A, B, family=7)
    assert (found.low, found.high) == pytest.approx((math.exp(interval.low), math.exp(interval.high)))


def test_holms_adjustment() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_changes_within_the_threshold_do_not_count() -> None:
    a, b = [1.0, 1.001, 0.999], [1.1, 1.101, 1.099]
    assert effect(a, b, threshold=0.05).changed
    assert not effect(a, b, threshold=0.1).changed
    assert not effect(b, a, threshold=0.1).changed
    assert effect(a, b, threshold=0.05).margin == pytest.approx(math.log(1.05))
    assert effect([-1.0, -1.1], [2.0, 2.1], threshold=0.1).margin == pytest.approx(0.155)
    assert effect(a, b, threshold=0.2).p == 1.0


def test_the_p_value_agrees_with_the_interval() -> None:
    found = effect(A, B, confidence=0.9, threshold=0.02)
    at_its_own_level = effect(A, B, confidence=1 - found.p, threshold=0.02)
    assert abs(at_its_own_level.shift) - at_its_own_level.half_width == pytest.approx(at_its_own_level.margin)


def test_what_would_have_been_noticed_is_just_noticed() -> None:
    a = [1.0, 1.2, 0.9, 1.1]
    found = effect(a, a, threshold=0.01)
    assert effect(a, [value * (1 + found.noticed) * 1.0001 for value in a], threshold=0.01).changed
    assert not effect(a, [value * (1 + found.noticed) * 0.9999 for value in a], threshold=0.01).changed
    shifted = effect([-1.0, 1.0, 0.5], [-1.0, 1.0, 0.5])
    reach = shifted.noticed
    assert effect([-1.0, 1.0, 0.5], [value + reach * 1.0001 for value in (-1.0, 1.0, 0.5)]).changed
    assert not effect([-1.0, 1.0, 0.5], [value + reach * 0.9999 for value in (-1.0, 1.0, 0.5)]).changed


def test_sides_without_spread_differ_where_they_differ_by_more_than_rounding() -> None:
    assert effect([0.1, 0.1], [0.2, 0.2]).changed
    assert not effect([0.1, 0.1, 0.1], [0.1 * (1 + 2e-16)] * 3).changed
    assert not effect([0.0, 0.0], [0.0, 0.0]).changed
    assert math.isnan(effect([0.1, 0.1], [0.2, 0.2]).g)
    assert effect([0.0, 0.0], [1e-300, 1e-300]).changed


@pytest.mark.parametrize("values", [[], [1.0]])
def test_a_spread_needs_two_values(values: list[float]) -> None:
    with pytest.raises(Refused, match=f"at least two seeds a side; side A has {len(values)}"):
        effect(values, B)
    with pytest.raises(Refused, match=f"at least two seeds a side; side B has {len(values)}"):
        effect(A, values)


@given(positive, positive, st.sampled_from([0.0, 0.05]))
def test_with_the_sides_exchanged_a_ratio_is_inverted(a: list[float], b: list[float], threshold: float) -> None:
    forth, back = effect(a, b, threshold=threshold), effect(b, a, threshold=threshold)
    assert forth.estimate * back.estimate == pytest.approx(1)
    assert (forth.low * back.high, forth.high * back.low) == pytest.approx((1, 1))
    assert forth.g == pytest.approx(-back.g, nan_ok=True)
    assert (forth.g_low, forth.g_high) == pytest.approx((-back.g_high, -back.g_low), nan_ok=True)
    assert (forth.changed, forth.noticed) == (back.changed, pytest.approx(back.noticed))
    assert forth.p == pytest.approx(back.p)


@given(signed, signed, st.integers(-900, 900))
def test_a_power_of_two_scales_differences_exactly(a: list[float], b: list[float], power: int) -> None:
    a = [-1.0, *a]
    plain = effect(a, b, threshold=0.01)
    scaled = effect([math.ldexp(x, power) for x in a], [math.ldexp(x, power) for x in b], threshold=0.01)
    assert scaled.shift == math.ldexp(plain.shift, power)
    assert scaled.half_width == math.ldexp(plain.half_width, power)
    assert (scaled.changed, scaled.p, scaled.g) == (plain.changed, plain.p, pytest.approx(plain.g, nan_ok=True))


@given(st.floats(1e-6, 1e6))
def test_a_factor_leaves_ratios_as_they_are(factor: float) -> None:
    plain = effect(A, B)
    scaled = effect([x * factor for x in A], [x * factor for x in B])
    for name in ("estimate", "low", "high", "g", "g_low", "g_high", "p"):
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name), rel=1e-6)
    assert scaled.mean_a == pytest.approx(plain.mean_a * factor)


def family_changed(rng: np.random.Generator, seeds: int, shifts: list[float]) -> bool:
    """Whether any comparison of a family over lognormal values finds a change."""
    return any(
        effect(
            np.exp(rng.normal(0, 0.1, seeds)).tolist(),
            np.exp(rng.normal(shift, 0.2, seeds + 1)).tolist(),
            family=len(shifts),
            confidence=0.9,
        ).changed
        for shift in shifts
    )


def rate(seeds: int, shifts: list[float], times: int = 400) -> float:
    rng = np.random.default_rng(11)
    return sum(family_changed(rng, seeds, shifts) for _ in range(times)) / times


def test_false_alarms_of_a_family_are_as_rare_as_promised() -> None:
    # 400 families at 0.1: a standard deviation is 0.015. Unequal spreads and sizes, as Welch allows.
    assert 0.04 < rate(5, [0.0] * 4) < 0.145
    assert rate(2, [0.0] * 4) < 0.145


def test_power_grows_with_the_effect_and_with_seeds() -> None:
    rates = [rate(5, [shift], 150) for shift in (0.0, 0.15, 0.3, 0.6)]
    assert rates == sorted(rates)
    assert rates[0] < 0.2
    assert rates[-1] > 0.95
    assert rate(10, [0.15], 150) > rates[1]
