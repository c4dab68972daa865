import numpy as np
import pytest
import torch

from schemas.blocks import BracketProjections
from schemas.bracket_results import PROJECTIONS
from schemas.data import First
from schemas.targets import SavedDirection, TestLogit, TestLoss
from tests.support.memory_context import MemoryContext
from workers.errors import UserFault

TILE = "tiles/000000004/000000-000000"
TARGETS = (
    SavedDirection(job_id=1, object=TILE, position=3),
    SavedDirection(job_id=1, object="checkpoints/000000004", prefix="parameters/", position=None),
    TestLogit(example=7, output=2),
    TestLoss(),
)


def project(made, tile, rows=(0, 4), micro=2, shrink=0, targets=None):
    targets = targets or (0, len(made.spec.projections))
    return made.block(BracketProjections(step=4, rows=rows, targets=targets, micro=micro), tile, shrink=shrink)


def by_pair(*blocks) -> dict[tuple[int, int, str], float]:
    return {
        key: value
        for block in blocks
        for *key, value in zip(
            *(block.rows["projections"][name] for name in ("i", "j", "target", "value")), strict=True
        )
        for key in [tuple(key)]
    }


def test_projections_are_those_of_the_whole_brackets(context: MemoryContext, job) -> None:
    made = job(dtype="float64", keep="all", projections=TARGETS, test_examples=First(count=6))
    tile = made.tile()
    found = project(made, tile)
    assert set(found.rows["projections"]) == {column.name for column in PROJECTIONS.columns}
    arrays = context.arrays(tile.objects[0])
    kept = {name: array for name, array in arrays.items() if name.startswith("kept/")}
    brackets = torch.cat([array.reshape(10, -1) for array in kept.values()], dim=1)
    values = by_pair(found)
    assert len(values) == 10 * len(TARGETS)
    for place, pair in enumerate(arrays["pairs"].tolist()):
        saved = values[*pair, TARGETS[0].label]
        assert saved == pytest.approx(float(brackets[place] @ brackets[3]), rel=1e-8, abs=1e-14)
    moved = job(dtype="float64", test_examples=[7], logits="all").tile()
    logits = context.arrays(moved.objects[0])["logits"][:, 0, 2]
    for place, pair in enumerate(arrays["pairs"].tolist()):
        assert values[*pair, "logit/7/2"] == pytest.approx(float(logits[place]), rel=1e-8)


@pytest.mark.parametrize(("micro", "shrink"), [(2, 0), (8, 0), (8, 2)])
def test_rows_add_up_to_the_whole(job, micro: int, shrink: int) -> None:
    made = job(dtype="float64", projections=(TestLoss(),), test_examples=First(count=6))
    tile = made.tile()
    whole = by_pair(project(made, tile))
    parts = by_pair(*(project(made, tile, rows, micro, shrink) for rows in ((0, 1), (1, 3), (3, 4))))
    assert parts.keys() == whole.keys()
    np.testing.assert_allclose(list(parts.values()), [whole[key] for key in parts], rtol=1e-9)


def test_targets_add_up_to_the_whole(job) -> None:
    made = job(dtype="float64", keep="all", projections=TARGETS, test_examples=First(count=6))
    tile = made.tile()
    whole = by_pair(project(made, tile))
    parts = by_pair(*(project(made, tile, targets=span) for span in ((0, 1), (1, 4))))
    assert parts.keys() == whole.keys()
    np.testing.assert_allclose(list(parts.values()), [whole[key] for key in parts], rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (TestLogit(example=360, output=0), r"names test example 360, the test split has 360 \(0 … 359\)"),
        (TestLogit(example=0, output=10), "names an output of the model, which has 10"),
        (TARGETS[1].model_copy(update={"prefix": "none/"}), "needs an array 'none/.*', object 'checkpoints"),
    ],
    ids=["example", "output", "prefix"],
)
def test_targets_that_do_not_fit(job, target, message: str) -> None:
    made = job(projections=(target,))
    with pytest.raises(UserFault, match=message):
        project(made, made.tile())


def test_values_that_are_not_finite_name_their_examples(job, lab: None) -> None:
    model = {"kind": "registry", "name": "explodes", "options": {"threshold": -1e9}}
    made = job({"model": model, "steps": 0}, norms=False, projections=(TestLogit(example=0, output=0),))
    block = BracketProjections(step=0, rows=(0, 4), targets=(0, 1), micro=2)
    with pytest.raises(
        UserFault, match=r"projections must be finite, those of 10 pairs at step 0 are not, .*\(10, 11\)"
    ):
        made.block(block)
