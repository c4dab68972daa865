import numpy as np
import pytest

from schemas.blocks import BracketReorderings
from schemas.bracket_results import ORDER_ACCURACY, REORDERINGS
from schemas.models import Mlp
from schemas.reorderings import ListedOrders, Reorderings, Shuffles, Swaps
from workers.errors import BlockFault, UserFault

SMOOTH = {"model": Mlp(hidden=(5,), activation="tanh")}


def effects(made, *spans):
    return [made.block(BracketReorderings(step=4, start=start, stop=stop)) for start, stop in spans]


def test_swaps_are_predicted_by_brackets_and_summed_up(job) -> None:
    made = job(SMOOTH, reorderings=Reorderings(orders=Swaps(count=6)), test_examples=range(20), dtype="float64")
    blocks = effects(made, (0, 4), (4, 6))
    tile = made.tile()
    norms = {
        (i, j): norm for i, j, norm in zip(*(tile.rows["pairs"][c] for c in ("i", "j", "bracket_norm")), strict=True)
    }
    numbers = []
    for block in blocks:
        rows = block.rows["reorderings"]
        assert set(rows) == {column.name for column in REORDERINGS.columns}
        numbers += rows["reordering"]
        for i, j, predicted in zip(rows["i"], rows["j"], rows["predicted_norm"], strict=True):
            assert predicted == pytest.approx(norms[i, j], rel=1e-9)
        assert max(rows["relative_error"]) < 0.05
    assert numbers == list(range(6))
    accuracy = made.summary(tile, *blocks).rows["order_accuracy"]
    assert set(accuracy) == {column.name for column in ORDER_ACCURACY.columns}
    assert (accuracy["reorderings"], accuracy["accuracy"]) == ([6], [1.0])


def test_without_test_examples_there_is_no_accuracy(job) -> None:
    made = job(SMOOTH, norms=False, reorderings=Reorderings(orders=Shuffles(count=2)))
    summary = made.summary(*effects(made, (0, 2)))
    assert set(summary.rows) == {"order_accuracy"}
    assert summary.rows["order_accuracy"]["accuracy"] == [None]
    assert np.isfinite(summary.rows["order_accuracy"]["median_relative_error"]).all()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({}, BlockFault, "belongs to a job with reorderings, its spec has none"),
        (
            {"reorderings": Reorderings(orders=ListedOrders(orders=(((0, 1437), (1437, 0)),)))},
            UserFault,
            "orders 0 names example 1437 of the train split, which has 1437",
        ),
    ],
    ids=["none", "range"],
)
def test_orders_that_cannot_be_taken(job, changes, error, message: str) -> None:
    with pytest.raises(error, match=message):
        effects(job(SMOOTH, **changes), (0, 1))


def test_effects_that_are_not_finite_are_numbered(job, lab: None) -> None:
    model = {"kind": "registry", "name": "explodes", "options": {"threshold": -1e9}}
    made = job({"model": model, "steps": 0}, reorderings=Reorderings(orders=Shuffles(count=3)))
    with pytest.raises(UserFault, match=r"those of reorderings \[1, 2\] at step 0 are not: lower the learning rate"):
        made.block(BracketReorderings(step=0, start=1, stop=3))
