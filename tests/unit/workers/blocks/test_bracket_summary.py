from itertools import combinations

import numpy as np
import pytest

from tests.support.memory_context import MemoryContext
from workers.errors import BlockFault

SPLIT = [((0, 2), (0, 2)), ((0, 2), (2, 5)), ((2, 5), (2, 5))]


def test_several_tiles_say_what_one_says(job) -> None:
    made = job(dtype="float64", gauss_newton=True)
    whole = made.summary(made.tile())
    parts = made.summary(*[made.tile(rows, columns) for rows, columns in SPLIT])
    for table in ("tensors", "fits", "defects"):
        for name, values in whole.rows[table].items():
            if isinstance(values[0], str):
                assert list(values) == list(parts.rows[table][name])
            else:
                np.testing.assert_allclose(
                    np.asarray(values, float), np.asarray(parts.rows[table][name], float), rtol=1e-9
                )
    assert list(whole.rows["fits"]["part"]) == ["bracket", "gauss_newton"]
    assert whole.rows["defects"]["null_pairs"] == [8]


def test_reductions_of_the_tile_arrays(context: MemoryContext, job) -> None:
    made = job()
    tile = made.tile()
    arrays = context.arrays(tile.objects[0])
    rows = made.summary(tile).rows
    np.testing.assert_allclose(rows["tensors"]["bracket_rms"], arrays["tensor_rms"].square().mean(0).sqrt())
    np.testing.assert_allclose(rows["tensors"]["gradient_rms"], arrays["gradient_rms"].square().mean(0).sqrt())
    np.testing.assert_allclose(rows["defects"]["median"], np.median(tile.rows["pairs"]["defect"]))


def test_the_largest_pairs_are_selected_however_the_job_is_cut(context: MemoryContext, job) -> None:
    made = job(test_examples=[0], logits={"kind": "top", "count": 4})
    norms = made.tile().rows["pairs"]["bracket_norm"]
    expected = np.array(list(combinations(range(5), 2)))[np.sort(np.argsort(-norms)[:4])]
    for tiles in ([made.tile()], [made.tile(rows, columns) for rows, columns in SPLIT]):
        (selected,) = made.summary(*tiles).objects
        assert selected.name == "selected/000000004"
        assert context.arrays(selected)["positions"].tolist() == expected.tolist()


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
