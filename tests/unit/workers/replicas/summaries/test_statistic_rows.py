import numpy as np
import pytest

from schemas.perturbations import Gaussian
from schemas.replica_results import REPLICA_CORRELATIONS, REPLICA_GROWTH, REPLICA_STATISTICS
from schemas.replicas import Arm, Bootstrap, Growth, Replicas
from schemas.training import Training
from workers.replicas.statistics import statistics
from workers.replicas.summaries.statistic_rows import (
    arm_spans,
    correlation_rows,
    growth_rows,
    joined,
    statistic_rows,
)

NOISE = Gaussian(epsilon=0.1, scale="global")
SPEC = Replicas(
    training=Training(steps=40),
    arms=(
        Arm(name="one", perturbations=(NOISE,), replicas=3),
        Arm(name="two", perturbations=(NOISE,), replicas=2),
    ),
    growth=Growth(start=10, stop=30),
    bootstrap=Bootstrap(resamples=200, level=0.8, seed=3),
)
STEPS = np.array([0, 10, 20, 30, 40])
VALUES = np.random.default_rng(0).normal(size=(5, 5))


def test_arms_stand_one_after_the_other() -> None:
    assert arm_spans(SPEC) == {"one": slice(0, 3), "two": slice(3, 5)}


def test_statistics_have_a_row_per_look_arm_and_metric() -> None:
    holed = VALUES.copy()
    holed[1, 3] = np.nan
    rows = statistic_rows(SPEC, STEPS, {"distance": VALUES, "kl": holed})
    assert list(rows) == [column.name for column in REPLICA_STATISTICS.columns]
    keys = list(zip(rows["arm"], rows["metric"], rows["step"], strict=True))
    assert keys == [(arm, name, step) for arm in ("one", "two") for name in ("distance", "kl") for step in STEPS]
    place = keys.index(("two", "distance", 20))
    expected = statistics(VALUES[2:3, 3:], resamples=200, level=0.8, seed=3)
    for name in ("count", "mean", "sd", "low", "high"):
        assert rows[name][place] == pytest.approx(getattr(expected, name)[0])
    place = keys.index(("two", "kl", 10))
    assert [rows[name][place] for name in ("count", "mean", "sd", "low")] == [1, holed[1, 4], None, None]


def test_growth_takes_the_mean_over_the_replicas_of_an_arm_within_the_window() -> None:
    distances = np.stack([1 + 0.5 * STEPS + offset for offset in (-1, 0, 1, 5, 7)], axis=1)
    distances[0] = distances[4] = 1e9  # outside the window
    rows = growth_rows(SPEC, STEPS, distances)
    assert list(rows) == [column.name for column in REPLICA_GROWTH.columns]
    place = list(zip(rows["arm"], rows["law"], strict=True)).index(("two", "linear"))
    assert (rows["a"][place], rows["b"][place]) == (pytest.approx(7), pytest.approx(0.5))
    assert (rows["points"][place], rows["start"][place], rows["stop"][place]) == (3, 10, 30)


def test_growth_begins_when_an_arm_parts() -> None:
    distances = np.stack([np.maximum(STEPS - late, 0.0) for late in (-5, -5, -5, 10, 10)], axis=1)
    spec = SPEC.model_copy(update={"growth": Growth()})
    rows = growth_rows(spec, STEPS, distances)
    starts = dict(zip(rows["arm"], zip(rows["start"], rows["points"], strict=True), strict=True))
    assert starts == {"one": (1, 4), "two": (20, 3)}
    place = list(zip(rows["arm"], rows["law"], strict=True)).index(("two", "linear"))
    assert (rows["a"][place], rows["b"][place]) == (pytest.approx(-10), pytest.approx(1))


def test_an_arm_that_never_parts_keeps_the_window() -> None:
    rows = growth_rows(SPEC, STEPS, np.zeros((5, 5)))
    assert set(rows["start"]) == {10}


def test_correlations_have_a_row_per_arm_quantity_and_pair() -> None:
    values = np.array([[0.1, 0.3, np.nan, 0.5, np.nan]])
    rows = correlation_rows(SPEC, [(10, 20)], {"weights": values, "logits": 1 - values})
    assert list(rows) == [column.name for column in REPLICA_CORRELATIONS.columns]
    assert rows["arm"] == ["one", "one", "two", "two"]
    assert rows["quantity"] == ["weights", "logits"] * 2
    assert rows["start_step"] == [10] * 4
    assert rows["correlation"] == [pytest.approx(value) for value in (0.2, 0.8, 0.5, 0.5)]
    assert rows["sd"] == [pytest.approx(np.sqrt(0.02)), pytest.approx(np.sqrt(0.02)), None, None]
    assert rows["count"] == [2, 2, 1, 1]


def test_joined_rows_follow_each_other() -> None:
    assert joined({"a": [1], "b": np.array([2.0])}, {"a": [3], "b": [None]}) == {"a": [1, 3], "b": [2.0, None]}
