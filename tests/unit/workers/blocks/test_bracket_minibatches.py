import numpy as np
import pytest
import torch

from schemas.blocks import BracketMinibatches
from schemas.bracket_results import MINIBATCHES
from tests.support.memory_context import MemoryContext
from workers.errors import UserFault

BATCHES = ((10, 11), (12, 13, 14), (11, 12))


def test_a_batch_bracket_is_the_mean_of_those_of_its_pairs(context: MemoryContext, job) -> None:
    made = job(dtype="float64", keep="all", minibatches=BATCHES)
    arrays = context.arrays(made.tile().objects[0])
    kept = torch.cat([array.reshape(10, -1) for name, array in arrays.items() if name.startswith("kept/")], dim=1)
    signed = {tuple(pair): bracket for pair, bracket in zip(arrays["pairs"].tolist(), kept, strict=True)}
    signed |= {(j, i): -bracket for (i, j), bracket in signed.items()}
    found = made.block(BracketMinibatches(step=4, start=0, stop=3))
    rows = found.rows["minibatches"]
    assert set(rows) == {column.name for column in MINIBATCHES.columns}
    assert list(zip(rows["b"], rows["c"], strict=True)) == [(0, 1), (0, 2), (1, 2)]
    assert rows["shared"] == [0, 1, 1]
    for place, (b, c) in enumerate(((0, 1), (0, 2), (1, 2))):
        terms = [signed[i, j] for i in BATCHES[b] for j in BATCHES[c] if i != j]
        mean = torch.stack(terms).sum(0) / (len(BATCHES[b]) * len(BATCHES[c]))
        assert rows["bracket_norm"][place] == pytest.approx(float(mean.norm()), rel=1e-9)
    assert (found.data["pairs"], found.data["dtype"]) == (3, "float64")


def test_a_job_cut_into_blocks_is_the_same_job(job) -> None:
    made = job(minibatches=BATCHES)
    whole = made.block(BracketMinibatches(step=4, start=0, stop=3)).rows["minibatches"]
    parts = [made.block(BracketMinibatches(step=4, start=k, stop=k + 1)).rows["minibatches"] for k in range(3)]
    np.testing.assert_array_equal(whole["bracket_norm"], [part["bracket_norm"][0] for part in parts])


def test_examples_beyond_the_split_are_named(job) -> None:
    made = job(minibatches=((10,), (11, 1437)))
    with pytest.raises(UserFault, match=r"minibatch 1 names example 1437 of the train split, which has 1437"):
        made.block(BracketMinibatches(step=4, start=0, stop=1))


def test_batches_whose_numbers_are_not_finite_are_named(job, lab: None) -> None:
    model = {"kind": "registry", "name": "explodes", "options": {"threshold": -1e9}}
    made = job({"model": model, "steps": 0}, minibatches=BATCHES)
    with pytest.raises(UserFault, match=r"those of minibatches \[\(0, 1\)\] at step 0 are not"):
        made.block(BracketMinibatches(step=0, start=0, stop=1))
