import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brute

from workers.replicas.dynamics.growth import LAWS, Fit, Law, growth, value

T = np.arange(1.0, 2001.0, 20.0)
TRUE: dict[Law, tuple[float, float]] = {
    "exponential": (0.02, 0.0015),
    "linear": (0.3, 0.004),
    "sqrt": (0.1, 0.07),
    "power": (0.05, 0.63),
}


def by_law(fits: tuple[Fit, ...]) -> dict[Law, Fit]:
    return {fit.law: fit for fit in fits}


@pytest.mark.parametrize("law", TRUE)
def test_a_law_is_recovered_from_its_own_values(law: Law) -> None:
    a, b = TRUE[law]
    fits = by_law(growth(T, value(law, a, b, T)))
    assert (fits[law].a, fits[law].b) == (pytest.approx(a, rel=1e-9), pytest.approx(b, rel=1e-9))
    others = [fit.aic_difference for fit in fits.values() if fit.law != law]
    assert all(difference is None or difference > 100 for difference in others)


@pytest.mark.parametrize("law", TRUE)
def test_a_noisy_curve_gives_the_least_squares_that_a_grid_search_finds(law: Law) -> None:
    a, b = TRUE[law]
    d = value(law, a, b, T) + 0.02 * np.random.default_rng(3).normal(size=len(T))
    fit = by_law(growth(T, d))[law]
    assert (fit.a, fit.b) == (pytest.approx(a, rel=0.1, abs=0.02), pytest.approx(b, rel=0.1))
    around = tuple((0.5 * value, 1.5 * value) for value in (a, b))
    found = brute(lambda p: float(np.square(d - value(law, p[0], p[1], T)).sum()), around, Ns=40)
    best = float(np.square(d - value(law, *found, T)).sum())
    assert fit.rss is not None
    assert 0.9999 * best < fit.rss < (1 + 1e-9) * best
    assert fit.aic == pytest.approx(len(T) * np.log(fit.rss / len(T)) + 6, rel=1e-12)


def test_the_best_law_has_difference_0_and_the_others_their_distance() -> None:
    fits = growth(T, value("sqrt", 0.1, 0.07, T) + 0.01 * np.random.default_rng(0).normal(size=len(T)))
    known = {fit.law: fit for fit in fits}
    assert known["sqrt"].aic_difference == 0
    for fit in fits:
        assert fit.aic is not None
        assert known["sqrt"].aic is not None
        assert fit.aic_difference == fit.aic - known["sqrt"].aic


def test_decay_and_overflowing_rates_are_fitted() -> None:
    decay = by_law(growth(T, 3.0 * np.exp(-0.05 * T)))["exponential"]
    assert (decay.a, decay.b) == (pytest.approx(3, rel=1e-6), pytest.approx(-0.05, rel=1e-6))
    steep = by_law(growth(T, np.exp(0.3 * (T - T.max()))))["exponential"]
    assert steep.b == pytest.approx(0.3, rel=1e-6)


def test_fewer_points_than_parameters_give_nothing() -> None:
    nothing = tuple(Fit(law) for law in LAWS)
    assert growth(T[:2], T[:2]) == nothing
    assert growth(T[:4], np.array([1.0, np.nan, np.inf, 2.0])) == nothing


def test_a_curve_of_zeros_has_lines_without_aic_and_no_curves() -> None:
    fits = by_law(growth(T, np.zeros_like(T)))
    assert fits["linear"] == Fit("linear", 0.0, 0.0, 0.0)
    assert fits["exponential"] == Fit("exponential")
    assert fits["power"] == Fit("power")


def test_points_at_one_time_give_nothing() -> None:
    assert growth(np.ones(5), np.arange(5.0)) == tuple(Fit(law) for law in LAWS)


def test_points_that_are_not_finite_are_left_out() -> None:
    d = value("linear", 1, 2, T)
    holed = np.concatenate([d, [np.nan, np.inf]])
    fit = by_law(growth(np.concatenate([T, [3000.0, 4000.0]]), holed))["linear"]
    assert (fit.a, fit.b) == (pytest.approx(1), pytest.approx(2))


@settings(max_examples=60)
@given(
    distances=st.lists(
        st.one_of(st.floats(-1e300, 1e300), st.sampled_from([0.0, 1e-310, float("nan"), float("inf")])),
        min_size=0,
        max_size=12,
    )
)
def test_nothing_raises_and_what_is_given_is_finite(distances: list[float]) -> None:
    t = np.arange(1.0, len(distances) + 1)
    for fit in growth(t, np.array(distances)):
        numbers = [number for number in (fit.a, fit.b, fit.rss, fit.aic, fit.aic_difference) if number is not None]
        assert np.isfinite(numbers).all()
