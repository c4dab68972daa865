import numpy as np
import pytest
import torch

from schemas.blocks import BracketOutputs
from schemas.bracket_results import OUTPUTS
from schemas.losses import SquaredError
from schemas.models import Mlp
from tests.support.memory_context import MemoryContext
from workers.data.digits import digits
from workers.errors import BlockFault

REGISTRY = {"kind": "registry"}
SPLIT = [((0, 2), (0, 2)), ((0, 2), (2, 5)), ((2, 5), (2, 5))]


def test_reductions_of_the_perturbations(context: MemoryContext, job) -> None:
    made = job(test_examples={"kind": "first", "count": 6})
    tile = made.tile()
    logits = context.arrays(tile.objects[0])["logits"].double()
    rows = made.outputs(tile).rows["outputs"]
    assert set(rows) == {column.name for column in OUTPUTS.columns}
    np.testing.assert_allclose(rows["logit_rms"], logits.square().mean((0, 1)).sqrt())
    np.testing.assert_allclose(rows["logit_max"], logits.abs().amax((0, 1)))
    labels = torch.nn.functional.one_hot(digits().test.labels[:6], 10).double().mean(0)
    np.testing.assert_allclose(rows["label_rate"], labels)
    assert rows["label"] == list("0123456789")
    assert 0 < min(rows["slack"]) <= max(rows["slack"]) <= 0.25


def test_several_tiles_say_what_one_says(job) -> None:
    made = job(test_examples={"kind": "first", "count": 6}, dtype="float64", logits=((10, 11), (12, 14)))
    whole = made.outputs(made.tile()).rows["outputs"]
    parts = made.outputs(*[made.tile(rows, columns) for rows, columns in SPLIT]).rows["outputs"]
    for name in ("logit_rms", "logit_max", "probability_rms"):
        np.testing.assert_allclose(whole[name], parts[name], rtol=1e-9)


def test_without_perturbations_there_is_nothing_to_reduce(job) -> None:
    made = job(test_examples=[0])
    with pytest.raises(BlockFault, match=r"needs the objects sums/000000004/\*"):
        made.block(BracketOutputs(step=4))
    with pytest.raises(BlockFault, match="no block of step 4 took logit perturbations"):
        made.outputs(job().tile())


@pytest.mark.parametrize(
    ("changes", "probability"),
    [
        ({}, torch.sigmoid),
        ({"loss": SquaredError()}, lambda z: z.softmax(-1)),
        ({"loss": SquaredError(), "data": REGISTRY | {"name": "two-labels"}, "model": Mlp()}, torch.sigmoid),
    ],
    ids=["bce-on-classes", "classes", "independent-labels"],
)
def test_slack_follows_what_the_outputs_mean(context: MemoryContext, job, lab: None, changes, probability) -> None:
    made = job(changes, test_examples=range(5), examples=range(5))
    rows = made.outputs(made.tile()).rows["outputs"]
    (functional,) = (value for key, value in context.memory.items() if key[0] == "functional")
    (dataset,) = {id(value): value for key, value in context.memory.items() if key[0] == "dataset"}.values()
    p = probability(functional.logits(functional.parameters, dataset.test.inputs[:5]).double())
    np.testing.assert_allclose(rows["slack"], (p * (1 - p)).square().mean(0).sqrt())
