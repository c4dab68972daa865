import numpy as np
import pytest
import torch

from tests.support.memory_context import MemoryContext
from workers.data.digits import digits
from workers.errors import BlockFault

SPLIT = [((0, 2), (0, 2)), ((0, 2), (2, 5)), ((2, 5), (2, 5))]


def test_several_tiles_say_what_one_says(job) -> None:
    made = job(test_examples={"kind": "first", "count": 6}, dtype="float64")
    whole = made.summary(made.tile())
    parts = made.summary(*[made.tile(rows, columns) for rows, columns in SPLIT])
    for table in ("tensors", "fits", "outputs"):
        for name, values in whole.rows[table].items():
            if isinstance(values[0], str):
                assert list(values) == list(parts.rows[table][name])
            else:
                np.testing.assert_allclose(
                    np.asarray(values, float), np.asarray(parts.rows[table][name], float), rtol=1e-9
                )


def test_reductions_of_the_tile_arrays(context: MemoryContext, job) -> None:
    made = job(test_examples={"kind": "first", "count": 6})
    tile = made.tile()
    arrays = context.arrays(tile.objects[0])
    rows = made.summary(tile).rows
    np.testing.assert_allclose(rows["tensors"]["bracket_rms"], arrays["tensor_rms"].square().mean(0).sqrt())
    np.testing.assert_allclose(rows["tensors"]["gradient_rms"], arrays["gradient_rms"].square().mean(0).sqrt())
    np.testing.assert_allclose(rows["outputs"]["logit_rms"], arrays["logits"].double().square().mean((0, 1)).sqrt())
    np.testing.assert_allclose(rows["outputs"]["logit_max"], arrays["logits"].double().abs().amax((0, 1)))
    rate = torch.nn.functional.one_hot(digits().test.labels[:6], 10).double().mean(0)
    np.testing.assert_allclose(rows["outputs"]["label_rate"], rate)
    assert rows["outputs"]["label"] == list("0123456789")
    assert 0 < min(rows["outputs"]["slack"]) <= max(rows["outputs"]["slack"]) <= 0.25


def test_without_test_examples_there_is_no_outputs_table(job) -> None:
    made = job()
    assert set(made.summary(made.tile()).rows) == {"tensors", "fits"}


def test_a_summary_without_tiles(job) -> None:
    with pytest.raises(BlockFault, match=r"needs the objects sums/000000004/\*, it was given \[\]"):
        job().summary()


def test_tiles_of_another_step_do_not_count(job) -> None:
    made = job()
    with pytest.raises(BlockFault, match=r"needs the objects sums/000000000/\*"):
        made.summary(made.tile(), step=0)


def test_a_missing_tile_is_noticed(job) -> None:
    made = job()
    with pytest.raises(BlockFault, match="must cover 10 pairs of 5 examples, they cover 7 pairs"):
        made.summary(*[made.tile(rows, columns) for rows, columns in SPLIT[:2]])
