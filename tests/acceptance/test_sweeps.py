"""Sweeps through a whole stack: the example, runs that are shared, and a job that fails."""

from pathlib import Path

import polars as pl
import pytest

from holonomy import Brackets, Client, Sweep, SweepFailed, Training
from holonomy.cli.specfile import read_spec
from schemas.sweeps import expand

EXAMPLE = Path(__file__).parents[2] / "examples/learning_rates.yaml"


@pytest.fixture(scope="module")
def rates() -> Sweep:
    spec = read_spec(str(EXAMPLE))
    assert isinstance(spec, Sweep)
    return spec


def test_the_example_runs_and_its_rows_say_what_was_varied(client: Client, rates: Sweep) -> None:
    assert client.preview(rates).total == 15
    sweep = client.submit(rates, name="rates", tags=["example"]).wait(progress=False, timeout=240)
    assert sweep.status().jobs == {"done": 15}
    rows = sweep.table("checkpoints", step=200)
    points = {(point.varied["optimizer.lr"], point.varied["seed"]) for point in expand(rates)}
    assert set(rows.select("optimizer.lr", "seed").rows()) == points
    loss = dict(rows.group_by("optimizer.lr").agg(pl.col("train_loss").mean()).rows())
    assert loss[0.1] < loss[0.01] < loss[0.001]
    done = client.preview(rates)
    assert (done.done, done.new, done.seconds) == (15, 0, 0)
    assert client.submit(rates).id == sweep.id


def test_brackets_find_the_runs_of_an_earlier_sweep(client: Client, rates: Sweep) -> None:
    runs = client.submit(rates).wait(progress=False, timeout=240)
    base = Brackets(training=rates.base, examples=range(4), steps=(200,))
    axes = {"training.optimizer.lr": [0.001, 0.1], "null_pairs": [1, 2]}
    before = client.preview(Sweep(base=base, axes=axes))
    assert (before.total, before.training_runs, before.training_runs_done) == (4, 2, 2)
    sweep = client.submit(Sweep(base=base, axes=axes)).wait(progress=False, timeout=240)
    trained = {member.job.id for member in runs.jobs()}
    assert all(set(member.job.seen.parents) <= trained for member in sweep.jobs())
    top = client.pairs(sweep=sweep, step=200, order_by="-bracket_norm", limit=3)
    assert len(top) == 3
    assert set(top["training.optimizer.lr"]) <= {0.001, 0.1}


def test_one_job_that_fails_leaves_the_others_and_is_told(client: Client) -> None:
    base = Training(steps=5)
    sweep = client.submit(Sweep(base=base, axes={"optimizer.lr": [0.01, 1e20]}))
    with pytest.raises(
        SweepFailed, match=rf"sweep {sweep.id} failed: of 2 jobs 1 done, 1 failed; 1 because .*\(job "
    ):
        sweep.wait(progress=False, timeout=240)
    [failure] = sweep.failures()
    assert failure.count == 1
    assert [member.varied["optimizer.lr"] for member in sweep.jobs(state="failed")] == [1e20]
