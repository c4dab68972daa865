"""One job with every reduction, from its spec to the tables that the client reads."""

import numpy as np
import pytest

from holonomy import (
    Brackets,
    BracketsJob,
    Client,
    First,
    Mlp,
    NotStored,
    Reorderings,
    SavedDirection,
    Sgd,
    Swaps,
    TestLogit,
    TestLoss,
    TopPairs,
    Training,
)

N, STEPS = 12, (0, 20)
PAIRS = N * (N - 1) // 2
TRAINING = Training(
    model=Mlp(hidden=(16,), activation="tanh"), optimizer=Sgd(lr=0.1), steps=20, batch_size=32, checkpoints=STEPS
)


@pytest.fixture(scope="module")
def job(client: Client) -> BracketsJob:
    first = client.submit(Brackets(training=TRAINING, examples=First(count=2), keep="all")).wait(timeout=200)
    spec = Brackets(
        training=TRAINING,
        examples=First(count=N),
        test_examples=First(count=10),
        gauss_newton=True,
        logits=TopPairs(count=7),
        keep=((0, 1), (2, 5)),
        projections=(
            TestLoss(),
            TestLogit(example=3, output=1),
            SavedDirection(job_id=first.id, object="tiles/000000020/000000-000000"),
        ),
        minibatches=((0, 1, 2), (3, 4), (2, 3)),
        reorderings=Reorderings(orders=Swaps(count=9)),
        verify=3,
        seed=1,
    )
    done = client.submit(spec).wait(timeout=200)
    assert isinstance(done, BracketsJob)
    return done


def test_every_table_has_its_rows(job: BracketsJob) -> None:
    expected = {
        "pairs": PAIRS,
        "tensors": 4,
        "fits": 2,
        "defects": 1,
        "verifications": 3,
        "perturbations": 7,
        "projections": 3 * PAIRS,
        "minibatches": 3,
        "reorderings": 9,
        "order_accuracy": 1,
        "outputs": 10,
    }
    for table, count in expected.items():
        rows = job.table(table)
        assert rows["step"].value_counts(sort=True).sort("step").rows() == [(step, count) for step in STEPS], table


def test_the_numbers_agree_with_each_other(job: BracketsJob) -> None:
    bracket = job.bracket(2, 5, step=20)
    row = job.pairs(20, where=["i == 2", "j == 5"]).row(0, named=True)
    assert np.sqrt(sum(float((a.astype(float) ** 2).sum()) for a in bracket.values())) == pytest.approx(
        row["bracket_norm"], rel=1e-5
    )
    own = job.projections(20, where=["i == 0", "j == 1"])
    saved = own.filter(own["target"].str.starts_with("saved/"))["value"][0]
    first = job.pairs(20, where=["i == 0", "j == 1"])["bracket_norm"][0]
    assert saved == pytest.approx(first**2, rel=1e-4)
    assert job.verifications()["norm_error"].max() < 1e-4
    assert job.order_accuracy()["accuracy"].min() > 0.8
    largest = job.pairs(20, limit=7).select("i", "j").rows()
    assert sorted(job.perturbations(20).select("i", "j").rows()) == sorted(largest)
    logits = job.logits(*largest[0], step=20)
    moved = job.perturbations(20, limit=1).row(0, named=True)
    assert logits.shape == (10, 10)
    assert moved["norm_euclidean"] == pytest.approx(moved["logit_rms"] * np.sqrt(10))
    with pytest.raises(NotStored, match="of the 7 pairs with the largest bracket_norm"):
        job.logits(*job.pairs(20, order_by="bracket_norm", limit=1).select("i", "j").row(0), step=20)


def test_each_reduction_has_blocks_of_its_own(job: BracketsJob) -> None:
    kinds = [block.kind for block in job.blocks()]
    assert sorted(set(kinds)) == [
        "bracket_minibatches",
        "bracket_outputs",
        "bracket_perturbations",
        "bracket_projections",
        "bracket_reorderings",
        "bracket_summary",
        "bracket_tile",
    ]
