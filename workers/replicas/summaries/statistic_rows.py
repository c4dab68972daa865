"""Rows over the replicas of each arm: statistics of metrics, growth laws, correlations.

Axes: L looks, n replicas of the job, M metrics, p pairs of checkpoints.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from schemas.replicas import Replicas
from workers.outcome import Rows
from workers.replicas.distances.columns import Floats, Integers, nullable
from workers.replicas.dynamics.growth import growth
from workers.replicas.statistics import moments, statistics


def arm_spans(spec: Replicas) -> dict[str, slice]:
    """Where the replicas of each arm stand among those of the job."""
    ends = np.cumsum([0, *(arm.replicas for arm in spec.arms)]).tolist()
    return {name: slice(ends[place], ends[place + 1]) for place, name in enumerate(spec.arm_names)}


def statistic_rows(spec: Replicas, steps: Integers, metrics: Mapping[str, Floats]) -> Rows:
    """All columns of `replica_statistics`, of metrics (L, n) measured at steps (L,), arm after arm."""
    found: dict[str, list[Any]] = {
        name: [] for name in ("step", "arm", "metric", "count", "mean", "sd", "low", "high")
    }
    bootstrap = spec.bootstrap
    for arm, own in arm_spans(spec).items():
        series = np.concatenate([values[:, own] for values in metrics.values()])
        result = statistics(series, resamples=bootstrap.resamples, level=bootstrap.level, seed=bootstrap.seed)
        floats = {"mean": result.mean, "sd": result.sd, "low": result.low, "high": result.high}
        found["step"] += np.tile(steps, len(metrics)).tolist()
        found["arm"] += [arm] * len(series)
        found["metric"] += [name for name in metrics for _ in range(len(steps))]
        found["count"] += result.count.tolist()
        for name, values in nullable(floats).items():
            found[name] += values.tolist()
    return found


def joined(rows: Rows, more: Rows) -> Rows:
    """Rows of one table, one after the other."""
    return {name: [*values, *more[name]] for name, values in rows.items()}


def growth_rows(spec: Replicas, steps: Integers, distances: Floats) -> Rows:
    """All columns of `replica_growth`: laws of the mean of distances (L, n) over the replicas of each arm.

    An arm that is left alone for a while has nothing to fit before it parts from the baseline: its window begins at
    the first look with a distance above 0, if that is later.
    """
    stop = spec.training.steps if spec.growth.stop is None else spec.growth.stop
    names = ("arm", "law", "a", "b", "rss", "aic", "aic_difference", "points", "start", "stop")
    found: dict[str, list[Any]] = {name: [] for name in names}
    for arm, own in arm_spans(spec).items():
        parted = steps[(np.nan_to_num(distances[:, own], nan=np.inf) > 0).any(1)]
        start = max(spec.growth.start, min(int(parted[0]), stop)) if len(parted) else spec.growth.start
        window = (steps >= start) & (steps <= stop)
        mean = moments(distances[window, own]).mean
        for fit in growth(steps[window].astype(np.float64), mean):
            values = (arm, fit.law, fit.a, fit.b, fit.rss, fit.aic, fit.aic_difference)
            for name, value in zip(names, (*values, int(np.isfinite(mean).sum()), start, stop), strict=True):
                found[name].append(value)
    return found


def correlation_rows(spec: Replicas, pairs: Sequence[tuple[int, int]], quantities: Mapping[str, Floats]) -> Rows:
    """All columns of `replica_correlations`, of quantities (p, n) between pairs of checkpoints."""
    names = ("arm", "quantity", "start_step", "step", "correlation", "sd", "count")
    found: dict[str, list[Any]] = {name: [] for name in names}
    for arm, own in arm_spans(spec).items():
        for quantity, values in quantities.items():
            result = moments(values[:, own])
            found["arm"] += [arm] * len(pairs)
            found["quantity"] += [quantity] * len(pairs)
            found["start_step"] += [start for start, _ in pairs]
            found["step"] += [step for _, step in pairs]
            for name, column in nullable({"correlation": result.mean, "sd": result.sd}).items():
                found[name] += column.tolist()
            found["count"] += result.count.tolist()
    return found
