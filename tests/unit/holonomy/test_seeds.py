"""Statistics over seeds: grouped by everything else, against plain loops, and wide enough between seeds."""

import numpy as np
import polars
import pytest

from holonomy import Client, Diagnostic, Refused, ReplicasJob, Sgd
from holonomy.seeds import hierarchical, over_seeds
from schemas.states import JobState
from tests.support.fake_service import World
from tests.support.replica_tables import ALIGNMENTS, METRICS, SPEC

SETTINGS = {"resamples": 400, "level": 0.9, "seed": 3}


def run(
    client: Client, world: World, training_seed: int, shift: float = 0.0, lr: float = 0.01, **changes
) -> ReplicasJob:
    training = SPEC.training.model_copy(update={"seed": training_seed, "optimizer": Sgd(lr=lr)})
    job = client.submit(SPEC.model_copy(update={"training": training, **changes}))
    world.tables[f"{job.id}/replica_metrics"] = METRICS.with_columns(polars.col("distance") + shift)
    world.tables[f"{job.id}/replica_alignments"] = ALIGNMENTS
    world.move(job.id, JobState.DONE)
    return job


def test_jobs_are_taken_together_but_for_their_seeds(client: Client, world: World) -> None:
    jobs = [run(client, world, 1), run(client, world, 2, 1.0, group_size=1), run(client, world, 1, 5.0, lr=0.1)]
    found = client.replica_statistics([jobs[0].id, *jobs[1:]], step=20)
    assert found.columns[:4] == ["training.optimizer.lr", "arm", "epsilon", "step"]
    rows = {(row["training.optimizer.lr"], row["arm"]): row for row in found.iter_rows(named=True)}
    near = rows[0.01, "near"]
    assert (near["epsilon"], near["seeds"], near["count"]) == (0.01, 2, 4)
    assert near["mean"] == pytest.approx(np.mean([2.5, 3.5]))
    assert near["sd_seeds"] == pytest.approx(np.std([2.5, 3.5], ddof=1))
    assert near["sd_replicas"] == pytest.approx(np.std([2.0, 3.0], ddof=1))
    alone = rows[0.1, "other"]
    assert (alone["epsilon"], alone["seeds"], alone["count"], alone["mean"]) == (None, 1, 3, 10.0)
    assert np.isnan(alone["sd_seeds"])
    assert np.isnan(alone["low"])


def test_all_looks_come_in_order(client: Client, world: World) -> None:
    found = over_seeds([run(client, world, 1), run(client, world, 2)], "distance")
    assert found.filter(arm="near")["step"].to_list() == [0, 10, 20]
    assert "training.optimizer.lr" not in found.columns
    assert found.filter(arm="near")["low"].to_list() != found.filter(arm="near")["high"].to_list()


def test_other_draws_of_one_training_are_more_replicas_of_it(client: Client, world: World) -> None:
    jobs = [run(client, world, 1), run(client, world, 1, 1.0, seed=9), run(client, world, 2, 2.0)]
    row = over_seeds(jobs, step=0).row(0, named=True)
    assert (row["seeds"], row["count"]) == (2, 6)
    assert row["mean"] == pytest.approx(np.mean([np.mean([0, 1, 1, 2]), np.mean([2, 3])]))


def test_distances_up_to_permutations(client: Client, world: World) -> None:
    found = over_seeds([run(client, world, 1), run(client, world, 2)], "aligned_distance")
    assert found.select("arm", "count", "mean").rows() == [("near", 4, 1.0), ("other", 4, 3.0)]


def test_what_cannot_be_taken_together(client: Client, world: World) -> None:
    job = run(client, world, 1)
    with pytest.raises(Refused, match="need at least one replica job; none came"):
        client.replica_statistics([])
    with pytest.raises(Refused, match=f"jobs {job.id} and {job.id} ran the same spec with equal seeds: give one"):
        client.replica_statistics([job, job])
    with pytest.raises(Refused, match="of replica jobs; job 2 is a diagnostic job"):
        client.replica_statistics([job, client.submit(Diagnostic()).id])
    running = client.submit(SPEC)
    with pytest.raises(Refused, match=f"job {running.id} is queued: statistics over seeds need finished jobs"):
        client.replica_statistics([running])
    for name in ("distances", "step"):
        with pytest.raises(Refused, match=f"there is no metric '{name}'"):
            client.replica_statistics([job], name)


def test_values_that_are_not_finite_are_left_out_and_seeds_without_any() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan], [10.0, 4.0], [np.inf, 6.0]])
    found = hierarchical(values, np.array([1, 1, 2, 2]), **SETTINGS)
    assert found["count"].tolist() == [3, 2]
    assert found["seeds"].tolist() == [2, 1]
    assert found["mean"].tolist() == [6.0, 5.0]
    assert found["sd_replicas"].tolist() == [pytest.approx(np.sqrt(2.0)), pytest.approx(np.sqrt(2.0))]
    nothing = hierarchical(np.full((2, 1), np.nan), np.array([1, 2]), **SETTINGS)
    assert (nothing["count"][0], nothing["seeds"][0]) == (0, 0)
    assert all(np.isnan(nothing[name][0]) for name in ("mean", "sd_seeds", "sd_replicas", "low", "high"))


def test_equal_values_have_an_interval_of_width_0() -> None:
    found = hierarchical(np.full((6, 1), 0.1), np.repeat([1, 2, 3], 2), **SETTINGS)
    assert found["high"][0] - found["low"][0] < 1e-16
    assert found["mean"][0] == pytest.approx(0.1, rel=1e-15)


def test_resamples_scatter_as_resampling_one_by_one_does() -> None:
    draw = np.random.default_rng(0)
    seeds = np.array([0] * 3 + [1] * 8 + [2] * 5 + [3] * 2)
    values = draw.normal(size=18) + 3 * seeds
    nested = [values[seeds == one] for one in range(4)]

    def resample() -> float:
        return float(np.mean([draw.choice(nested[one], len(nested[one])).mean() for one in draw.integers(0, 4, 4)]))

    plain = np.array([resample() for _ in range(4_000)])
    found = hierarchical(values[:, None], seeds, resamples=4_000, level=0.8, seed=1)
    low, high = np.quantile(plain, [0.1, 0.9])
    width = high - low
    assert abs(found["low"][0] - low) < 0.1 * width
    assert abs(found["high"][0] - high) < 0.1 * width


def test_intervals_hold_what_differs_from_seed_to_seed() -> None:
    """With eight seeds the interval of level 0.9 holds the mean over all seeds in most cases."""
    draw = np.random.default_rng(1)
    looks = 300  # as many independent experiments
    offsets = np.repeat(draw.normal(size=(8, looks)), 5, axis=0)
    values = offsets + 0.1 * draw.normal(size=(40, looks))
    found = hierarchical(values, np.repeat(np.arange(8), 5), **SETTINGS)
    held = np.mean((found["low"] < 0) & (found["high"] > 0))
    assert 0.75 < held < 0.95


def test_the_spread_of_replicas_is_the_root_of_the_mean_variance_within_seeds() -> None:
    values = np.array([[0.0], [2.0], [10.0], [18.0]])  # variances 2 and 32
    found = hierarchical(values, np.array([1, 1, 2, 2]), resamples=100, level=0.9, seed=0)
    assert found["sd_replicas"][0] == pytest.approx(np.sqrt(17), rel=1e-14)
    assert found["sd_seeds"][0] == pytest.approx(13 / np.sqrt(2), rel=1e-14)
