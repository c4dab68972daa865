"""Axes: which values they have, and what is not one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.mistakes import InvalidSpec
from schemas.models import Mlp
from schemas.sweeps.axes import Choice, IntUniform, LinSpace, LogSpace, LogUniform, Uniform, plain
from schemas.sweeps.draws import draw

POSITIVE = st.floats(1e-300, 1e300)
FINITE = st.floats(-1e300, 1e300)


def test_decades_come_out_exact() -> None:
    assert LogSpace(low=1e-5, high=10, count=7).values == (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
    assert LogSpace(low=0.1, high=1e-4, count=4).values == (0.1, 0.01, 0.001, 0.0001)
    assert LinSpace(low=0, high=1, count=11).values == tuple(tenth / 10 for tenth in range(11))


def test_one_value_is_the_first() -> None:
    assert LogSpace(low=2, high=8, count=1).values == (2.0,)
    assert LinSpace(low=2, high=8, count=1).values == (2.0,)


@given(FINITE, FINITE, st.integers(2, 50))
def test_a_spacing_runs_evenly_from_end_to_end(low: float, high: float, count: int) -> None:
    values = LinSpace(low=low, high=high, count=count).values
    assert (values[0], values[-1], len(values)) == (low, high, count)
    expected = [low * (1 - k / (count - 1)) + high * (k / (count - 1)) for k in range(count)]
    # Below 1e-308 floats are spaced evenly themselves, too far apart for a relative tolerance.
    np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-11 * max(abs(low), abs(high), 1e-308))


@given(POSITIVE, POSITIVE, st.integers(2, 50))
def test_a_logarithmic_spacing_has_equal_ratios(low: float, high: float, count: int) -> None:
    values = LogSpace(low=low, high=high, count=count).values
    assert (values[0], values[-1], len(values)) == (low, high, count)
    assert min(low, high) <= min(values) <= max(values) <= max(low, high)
    np.testing.assert_allclose(np.diff(np.log(values)), (math.log(high) - math.log(low)) / (count - 1), atol=1e-10)


@given(st.integers(0, 2**63 - 1), st.integers(0, 20_000), FINITE, FINITE)
def test_uniform_draws_stay_within_their_bounds(seed: int, sample: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    if low < high:
        value = draw(Uniform(low=low, high=high), seed, "optimizer.lr", sample)
        assert low <= value <= high


@given(st.integers(0, 2**63 - 1), st.integers(0, 20_000), POSITIVE, POSITIVE)
def test_log_uniform_draws_stay_within_their_bounds(seed: int, sample: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    if low < high:
        assert low <= draw(LogUniform(low=low, high=high), seed, "optimizer.lr", sample) <= high


def test_draws_are_spread_as_their_names_say() -> None:
    def drawn(axis: Uniform | LogUniform | IntUniform | Choice) -> list[float]:
        return [draw(axis, 0, "x", sample) for sample in range(2_000)]

    uniform, logarithmic = drawn(Uniform(low=2, high=4)), drawn(LogUniform(low=1e-4, high=1e-2))
    # Standard errors over 2,000 draws: 0.013, and 0.03 of a natural logarithm.
    assert np.mean(uniform) == pytest.approx(3, abs=0.06)
    assert np.mean(np.log(logarithmic)) == pytest.approx(math.log(1e-3), abs=0.15)
    counts = np.bincount(drawn(IntUniform(low=3, high=7)))
    assert counts[:3].sum() == 0
    assert (abs(counts[3:] - 400) < 90).all()  # five standard deviations of a binomial count
    assert set(drawn(Choice(values=(1, 5)))) == {1, 5}


def test_a_draw_is_for_ever() -> None:
    """Values that other machines and versions have drawn, and that stored sweeps rely on."""
    assert draw(IntUniform(low=0, high=10**18), 0, "optimizer.lr", 0) == 21614883063760003
    assert draw(LogUniform(low=1e-4, high=1e-1), 7, "optimizer.lr", 3) == 0.00298688474312


@pytest.mark.parametrize("axis", [Uniform, LogUniform, IntUniform])
def test_a_range_rises(axis: type[Uniform | LogUniform | IntUniform]) -> None:
    with pytest.raises(InvalidSpec, match=r"needs low < high; came low 2.*, high 2"):
        axis(low=2, high=2)


@pytest.mark.parametrize("axis", [LogSpace, LogUniform])
def test_a_logarithm_needs_positive_ends(axis: type[LogSpace | LogUniform]) -> None:
    with pytest.raises(InvalidSpec, match="low: expected greater than 0; came 0"):
        axis(low=0, high=2, count=3) if axis is LogSpace else axis(low=0, high=2)


def test_specs_and_arrays_become_json() -> None:
    given = {"a": (Mlp(hidden=(3,)), np.array([1, 2])), "b": np.float64(0.5), "c": range(2)}
    assert plain(given) == {"a": [Mlp(hidden=(3,)).model_dump(mode="json"), [1, 2]], "b": 0.5, "c": [0, 1]}
