from math import inf, isnan, nan

import pytest

from workers.replicas.barriers import Barrier

POSITIONS = [i / 24 for i in range(25)]


def test_three_numbers_of_a_parabola() -> None:
    """Of λ²: the ends are 0 and 1, and the trapezoidal rule adds h²/6 to the integral of λ² − λ."""
    barrier = Barrier.of([x * x for x in POSITIONS])
    assert barrier.max_minus_ends == 0.5
    assert barrier.midpoint == -0.25
    assert barrier.mean_minus_chord == pytest.approx(-1 / 6 + 1 / (6 * 24**2), rel=1e-12)


def test_a_bump_off_the_middle_shows_in_the_maximum() -> None:
    values = [2.0 + (3.0 if i == 5 else 0.0) for i in range(25)]
    barrier = Barrier.of(values)
    assert (barrier.max_minus_ends, barrier.midpoint) == (3.0, 0.0)
    assert barrier.mean_minus_chord == pytest.approx(3.0 / 24)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e300, 1 / 3])
def test_a_level_path_has_barriers_of_exactly_zero(value: float) -> None:
    assert Barrier.of([value] * 25) == Barrier(0.0, 0.0, 0.0)


def test_a_straight_slope_has_no_barrier_but_half_its_rise() -> None:
    barrier = Barrier.of(POSITIONS)
    assert (barrier.max_minus_ends, barrier.midpoint) == (0.5, 0.0)
    assert barrier.mean_minus_chord == pytest.approx(0, abs=1e-16)


@pytest.mark.parametrize("broken", [nan, inf, -inf])
@pytest.mark.parametrize("at", [0, 7, 12, 24])
def test_one_value_that_is_not_finite_leaves_no_number(broken: float, at: int) -> None:
    barrier = Barrier.of([broken if i == at else 1.0 for i in range(25)])
    assert all(map(isnan, (barrier.max_minus_ends, barrier.midpoint, barrier.mean_minus_chord)))
