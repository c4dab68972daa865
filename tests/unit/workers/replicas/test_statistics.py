import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.replicas import statistics as module
from workers.replicas.statistics import statistics
from workers.streams import Stream, generator

SETTINGS = {"resamples": 500, "level": 0.9, "seed": 4}


def test_mean_sd_and_interval_agree_with_resampling_by_index() -> None:
    values = np.random.default_rng(0).normal(3, 2, size=(4, 6))
    found = statistics(values, **SETTINGS)
    times = generator(4, Stream.BOOTSTRAP, 6).multinomial(6, [1 / 6] * 6, size=500)
    for row, series in enumerate(values):
        means = [np.mean(np.repeat(series, drawn)) for drawn in times]
        assert found.mean[row] == pytest.approx(sum(series) / 6, rel=1e-14)
        assert found.sd[row] == pytest.approx(np.sqrt(sum((series - series.mean()) ** 2) / 5), rel=1e-14)
        assert found.low[row] == pytest.approx(np.percentile(means, 5), rel=1e-12)
        assert found.high[row] == pytest.approx(np.percentile(means, 95), rel=1e-12)
    assert found.count.tolist() == [6] * 4


def test_values_that_are_not_finite_are_left_out() -> None:
    whole = np.array([[1.0, 2.0, 4.0]])
    holed = np.array([[np.nan, 1.0, np.inf, 2.0, -np.inf, 4.0]])
    left, right = statistics(whole, **SETTINGS), statistics(holed, **SETTINGS)
    assert right.count.tolist() == [3]
    assert (left.mean, left.sd, left.low, left.high) == (right.mean, right.sd, right.low, right.high)


def test_one_value_has_a_mean_alone_and_no_value_has_nothing() -> None:
    found = statistics(np.array([[5.0, np.nan], [np.nan, np.inf]]), **SETTINGS)
    assert found.count.tolist() == [1, 0]
    assert found.mean[0] == 5.0
    assert np.isnan([found.mean[1], *found.sd, *found.low, *found.high]).all()


def test_no_replicas_and_no_series_are_no_fault() -> None:
    assert np.isnan(statistics(np.zeros((2, 0)), **SETTINGS).mean).all()
    assert statistics(np.zeros((0, 3)), **SETTINGS).mean.shape == (0,)


@given(value=st.floats(-1e100, 1e100), n=st.integers(2, 9))
def test_equal_values_have_an_interval_of_width_0(value: float, n: int) -> None:
    found = statistics(np.full((1, n), value), **{**SETTINGS, "resamples": 100})
    assert found.low[0] == pytest.approx(value, rel=1e-14)
    assert found.high[0] == pytest.approx(value, rel=1e-14)


def test_values_near_the_end_of_float64_raise_nothing() -> None:
    found = statistics(np.array([[1.7e308, -1.7e308, 1.7e308]]), **SETTINGS)
    assert found.count.tolist() == [3]


def test_bounding_memory_changes_nothing_but_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(size=(7, 5))
    values[2, 1] = np.nan
    whole = statistics(values, **SETTINGS)
    monkeypatch.setattr(module, "ELEMENTS", 999)
    parts = statistics(values, **SETTINGS)
    np.testing.assert_allclose(parts.low, whole.low, rtol=1e-12)
    np.testing.assert_allclose(parts.high, whole.high, rtol=1e-12)


def test_the_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    # 1,500 experiments of 40 normal values: three standard errors of a share near 0.9 are 0.023.
    values = np.random.default_rng(2).normal(7, 3, size=(1500, 40))
    found = statistics(values, resamples=600, level=0.9, seed=0)
    covered = ((found.low <= 7) & (found.high >= 7)).mean()
    assert covered == pytest.approx(0.89, abs=0.025)
    # Standard errors of the mean agree with the spread of the means over the experiments.
    assert found.sd.mean() / np.sqrt(40) == pytest.approx(found.mean.std(), rel=0.06)
