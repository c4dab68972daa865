"""The reference run of replicas on MNIST through a whole stack: shortened; in full against the published figures."""

from pathlib import Path

import polars as pl
import pytest

from holonomy import Client
from holonomy.cli.specfile import read_spec
from schemas.looks import Every
from schemas.replicas import Measures, Replicas

EXAMPLE = Path(__file__).parents[2] / "examples/mnist-replicas/reference.yaml"
PUBLISHED = {0.001: 0.139, 0.01: 0.286, 0.1: 1.38, 1.0: 8.65}
"""Mean end distances of the published plots, read to ±3 %, by ε."""
TOLERANCE = {0.001: 0.15, 0.01: 0.05, 0.1: 0.05, 1.0: 0.05}


@pytest.fixture
def mnist(client: Client, mnist_folder: Path) -> Client:
    """A client of the shared stack, which has MNIST."""
    client.data.import_idx("mnist", mnist_folder)
    return client


@pytest.fixture
def reference() -> Replicas:
    spec = read_spec(str(EXAMPLE))
    assert isinstance(spec, Replicas)
    return spec


def shortened(spec: Replicas, steps: int, replicas: int) -> Replicas:
    """The same run, with fewer steps and replicas and small samples."""
    return spec.model_copy(
        update={
            "training": spec.training.model_copy(update={"steps": steps, "checkpoints": (steps,)}),
            "arms": tuple(arm.model_copy(update={"replicas": replicas}) for arm in spec.arms),
            "looks": Every(steps=100),
            "measures": Measures(train_examples=200, test_examples=200),
        }
    )


def test_the_shortened_reference_run(mnist: Client, reference: Replicas) -> None:
    steps, count = 300, 3
    job = mnist.submit(shortened(reference, steps, count)).wait(timeout=240, progress=False)
    replicas = job.table("replicas", order_by="replica")
    assert replicas["floor_held"].all()
    assert replicas["diverged_step"].null_count() == len(replicas)
    twins, moved = (replicas.filter(pl.col("replica") < 0), replicas.filter(pl.col("replica") >= 0))
    assert (twins["distance"] == 0).all()
    assert len(moved) == 4 * count

    norm = job.table("replica_baseline", where="step == 0")["norm"].item()
    assert 6.0 < norm < 6.15
    # The scale is exact up to the rounding of parameters to float32.
    relative = moved["start_distance"] / (norm * moved["epsilon"])
    assert (relative - 1).abs().max() < 1e-4

    metrics = job.table("replica_metrics", where="replica >= 0", order_by=("step", "replica"))
    assert metrics["step"].unique().sort().to_list() == [0, 100, 200, 300]
    end = metrics.filter(pl.col("step") == steps).join(moved.select("replica", "epsilon", "number"), on="replica")
    for _, by_draw in end.group_by("number"):
        distances = by_draw.sort("epsilon")["distance"]
        assert distances.is_sorted()
        assert distances.n_unique() == 4
    assert (end["test_examples"] == 10_000).all()
    assert (metrics.filter(pl.col("step") == 100)["test_examples"] == 200).all()
    assert end["counterfactual_accuracy"].min() > 0.8


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_the_reference_run_ends_where_the_published_one_does(mnist: Client, reference: Replicas) -> None:
    job = mnist.submit(reference).wait(timeout=3_500, progress=False)
    replicas = job.table("replicas", where="replica >= 0")
    assert replicas["floor_held"].all()
    ends = replicas.group_by("epsilon").agg(pl.col("distance").mean())
    for epsilon, distance in ends.iter_rows():
        assert distance == pytest.approx(PUBLISHED[epsilon], rel=TOLERANCE[epsilon]), f"epsilon {epsilon}"
