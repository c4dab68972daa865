"""Statistics over seeds: replica jobs that differ in nothing but their seeds, taken together.

Axes: S seeds of training, n replicas of an arm in all of them, L looks, B resamples.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holonomy.errors import Refused
from holonomy.leaves import Leaf, differing, leaves
from holonomy.replicas import ALIGNED_DISTANCE, ReplicasJob, check_metric
from schemas.canonical import canonical_json
from schemas.replicas import Replicas
from schemas.states import JobState

if TYPE_CHECKING:
    import polars

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ALIKE = {"seed": 0, "group_size": None}
"""Fields in which jobs that are taken together may differ; the seed of the training run is another."""


def over_seeds(
    jobs: Sequence[ReplicasJob],
    metric: str = "distance",
    step: int | None = None,
    *,
    resamples: int = 1_000,
    level: float = 0.95,
    seed: int = 0,
) -> "polars.DataFrame":
    """Mean, spread and interval of a metric over seeds and replicas.

    Jobs whose specs are equal but for their seeds are taken together, so that a sweep over other fields gives its
    curves at once: fields in which the jobs differ are columns.

    Args:
        jobs: Finished replica jobs.
        metric: Column of `replica_metrics`, or `aligned_distance`.
        step: Only this look; all by default.
        resamples: Of the bootstrap.
        level: Share of resampled means inside the interval.
        seed: Seeds the resamples.

    Returns:
        One row per group of jobs, arm and look: the fields that differ, arm, epsilon, step, seeds, count, mean,
        sd_seeds, sd_replicas, low, high; see `hierarchical`.

    Raises:
        Refused: no job, a job that is not done, jobs of equal seeds, no such metric.
    """
    import polars

    if not jobs:
        raise Refused("statistics over seeds need at least one replica job; none came")
    if metric != ALIGNED_DISTANCE:
        check_metric(metric)
    grouped: dict[bytes, list[ReplicasJob]] = defaultdict(list)
    for job in jobs:
        grouped[canonical_json(_without_seeds(job.spec))].append(job)
    fields = _differing([_without_seeds(members[0].spec) for members in grouped.values()])
    frames = list["polars.DataFrame"]()
    for members, own in zip(grouped.values(), fields, strict=True):
        spec = members[0].spec
        values = polars.concat([_values(job, metric, step) for job in _of_different_seeds(members)])
        for name, arm in zip(spec.arm_names, spec.arms, strict=True):
            rows = values.filter(arm=name)
            found = hierarchical(*_table(rows), resamples=resamples, level=level, seed=seed)
            steps = rows.select("step").unique().sort("step")
            labels = [polars.lit(value).alias(path) for path, value in own.items()]
            arms = [polars.lit(name).alias("arm"), polars.lit(arm.epsilon, polars.Float64).alias("epsilon")]
            frames.append(steps.select(*labels, *arms, "step").hstack(polars.DataFrame(found)))
    return polars.concat(frames, how="vertical_relaxed")


def hierarchical(
    values: Floats, seeds: Integers, *, resamples: int, level: float, seed: int
) -> dict[str, Floats | Integers]:
    """Statistics of replicas that are nested in seeds.

    A resample draws S seeds with replacement, and for each of them as many replicas of it as it has; its value is the
    mean over the drawn seeds of their means. Where one seed is drawn c times and has m replicas, c draws of m are one
    multinomial draw of c·m. The interval runs from the (1 − level)/2 to the (1 + level)/2 quantile of the B values.
    It holds what differs from seed to seed, which an interval over the replicas of one seed does not; with few seeds
    it is too narrow, as percentile intervals are.

    Args:
        values: (n, L); values that are not finite are left out, and a seed without any.
        seeds: (n,) the seed of each replica.
        resamples: B.
        level: Share of resampled means inside the interval.
        seed: Seeds the resamples.

    Returns:
        Arrays (L,): `seeds`; `count` of replicas; `mean` of the seeds' means; `sd_seeds`, the standard deviation of
        those (S − 1); `sd_replicas`, √ mean over seeds of the variance within (m − 1); `low` and `high`. NaN where
        two seeds, or two replicas of a seed, would be needed.
    """
    looks = values.shape[1]
    names = ("mean", "sd_seeds", "sd_replicas", "low", "high")
    found: dict[str, Floats] = {name: np.full(looks, np.nan) for name in names}
    counts: dict[str, Integers] = {name: np.zeros(looks, np.int64) for name in ("seeds", "count")}
    finite = np.isfinite(values)
    patterns, pattern = np.unique(finite, axis=1, return_inverse=True)
    for number in range(patterns.shape[1]):
        held = patterns[:, number]
        at = np.flatnonzero(pattern.ravel() == number)
        if not held.any():
            continue
        nested = [np.flatnonzero(held & (seeds == one)) for one in np.unique(seeds[held])]
        means = np.stack([values[np.ix_(rows, at)].mean(0) for rows in nested])
        mean = means.mean(0)
        counts["seeds"][at], counts["count"][at] = len(nested), held.sum()
        found["mean"][at] = mean
        spread = [values[np.ix_(rows, at)].var(0, ddof=1) for rows in nested if len(rows) > 1]
        if spread:
            found["sd_replicas"][at] = np.sqrt(np.mean(spread, 0))
        if len(nested) > 1:
            found["sd_seeds"][at] = means.std(0, ddof=1)
            weights = _weights(nested, len(values), resamples, seed)
            # Of deviations, so that equal values have an interval of width 0.
            resampled = weights @ np.where(held[:, None], values[:, at] - mean, 0.0)
            low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2], axis=0)
            found["low"][at], found["high"][at] = mean + low, mean + high
    return counts | found


def _weights(nested: Sequence[Integers], replicas: int, resamples: int, seed: int) -> Floats:
    """(B, n): what each replica counts in the mean of each resample."""
    draw = np.random.Generator(np.random.Philox(seed))
    S = len(nested)
    times = draw.multinomial(S, np.full(S, 1 / S), size=resamples)
    weights = np.zeros((resamples, replicas))
    for one, rows in enumerate(nested):
        m = len(rows)
        weights[:, rows] = draw.multinomial(times[:, one] * m, np.full(m, 1 / m)) / (m * S)
    return weights


def _without_seeds(spec: Replicas) -> Replicas:
    return spec.model_copy(update={**_ALIKE, "training": spec.training.model_copy(update={"seed": 0})})


def _of_different_seeds(jobs: Sequence[ReplicasJob]) -> Sequence[ReplicasJob]:
    there = dict[tuple[int, int], int]()
    for job in jobs:
        seeds = (job.spec.training.seed, job.spec.seed)
        if seeds in there:
            raise Refused(
                f"jobs {there[seeds]} and {job.id} ran the same spec with equal seeds: give one of them, "
                "and beside it jobs with another training.seed"
            )
        there[seeds] = job.id
    return jobs


def _values(job: ReplicasJob, metric: str, step: int | None) -> "polars.DataFrame":
    """One row per replica and look: job, training_seed, arm, step, replica, value."""
    import polars

    state = job.status().state
    if state is not JobState.DONE:
        raise Refused(f"job {job.id} is {state}: statistics over seeds need finished jobs")
    if metric == ALIGNED_DISTANCE:
        rows = job.alignments(step).filter(polars.col("replica") >= 0)
    else:
        rows = job.metrics(step, columns=("step", "replica", metric), where="replica >= 0")
    numbers = {"job": job.id, "training_seed": job.spec.training.seed}
    named = (polars.lit(number, polars.Int64).alias(name) for name, number in numbers.items())
    return rows.select(*named, "arm", "step", "replica", polars.col(metric).cast(polars.Float64).alias("value"))


def _table(rows: "polars.DataFrame") -> tuple[Floats, Integers]:
    """Values (n, L) in ascending order of looks, NaN for what is missing, and the seed of each replica (n,)."""
    wide = rows.pivot("step", index=("job", "training_seed", "replica"), values="value")
    looks = wide.select(map(str, sorted(rows["step"].unique())))
    values = looks.fill_null(float("nan")).to_numpy().astype(np.float64)
    return values, wide["training_seed"].to_numpy().astype(np.int64)


def _differing(specs: Sequence[Replicas]) -> list[dict[str, Leaf]]:
    """Of each spec, the fields in which not all are equal, by their path."""
    flat = [leaves(spec.model_dump(mode="json")) for spec in specs]
    varied = differing(flat)
    return [{path: fields.get(path) for path in varied} for fields in flat]
