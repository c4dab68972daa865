import numpy as np
import pytest
import torch

from schemas.blocks import BracketPerturbations
from schemas.bracket_results import PERTURBATIONS
from tests.support.memory_context import MemoryContext
from workers.brackets.tiles import recompute

TOP = {"test_examples": [3, 7], "logits": {"kind": "top", "count": 6}}


def perturbed(made, *spans, micro: int = 4, shrink: int = 0):
    summary = made.summary(made.tile())
    return [
        made.block(BracketPerturbations(step=4, start=start, stop=stop, micro=micro), summary, shrink=shrink)
        for start, stop in spans
    ]


@pytest.mark.parametrize(("micro", "shrink"), [(4, 0), (4, 2), (1, 0)])
def test_the_selected_pairs_move_as_a_tile_moves_them(context: MemoryContext, job, micro: int, shrink: int) -> None:
    made = job(**TOP, dtype="float64")
    blocks = perturbed(made, (0, 4), (4, 6), micro=micro, shrink=shrink)
    tile = job(test_examples=[3, 7], dtype="float64").tile()
    everything = context.arrays(tile.objects[0])
    whole = {
        tuple(pair): logits for pair, logits in zip(everything["pairs"].tolist(), everything["logits"], strict=True)
    }
    for block, start in zip(blocks, (0, 4), strict=True):
        moves, sums = block.objects
        assert (moves.name, sums.name) == (f"moves/000000004/{start:09d}", f"moved/000000004/{start:09d}")
        rows, arrays = block.rows["perturbations"], context.arrays(moves)
        assert set(rows) == {column.name for column in PERTURBATIONS.columns}
        for place, pair in enumerate(zip(rows["i"].tolist(), rows["j"].tolist(), strict=True)):
            torch.testing.assert_close(arrays["logits"][rows["position"][place]], whole[pair])
        assert set(rows["object"]) == {moves.name}
    assert blocks[0].data["micro"] == max(1, micro >> shrink)


def test_outputs_of_selected_pairs(context: MemoryContext, job) -> None:
    made = job(**TOP)
    blocks = perturbed(made, (0, 4), (4, 6))
    outputs = made.outputs(*blocks)
    assert outputs.data["pairs"] == 6
    logits = torch.cat([context.arrays(block.objects[0])["logits"] for block in blocks]).double()
    np.testing.assert_allclose(outputs.rows["outputs"]["logit_rms"], logits.square().mean((0, 1)).sqrt(), rtol=1e-6)


def test_cancelled_pairs_are_taken_in_float64(context: MemoryContext, job, monkeypatch: pytest.MonkeyPatch) -> None:
    (double,) = perturbed(job(**TOP, dtype="float64"), (0, 6))
    monkeypatch.setattr(recompute, "THRESHOLD", 2.0)
    (single,) = perturbed(job(**TOP), (0, 6))
    exact, found = (context.arrays(block.objects[0])["logits"] for block in (double, single))
    torch.testing.assert_close(found, exact.float(), rtol=1e-5, atol=1e-9)
