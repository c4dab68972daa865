import numpy as np
import pytest

from schemas.results import FITS, OUTPUTS, TENSORS
from workers.brackets.outputs import OutputSums
from workers.brackets.summary import OutputFacts, TileSummary, summarise
from workers.errors import BlockFault

RMS = np.array([[1.0, 2.0, 0.0], [3.0, 2.0, 0.0], [5.0, 2.0, 0.0]])  # bracket RMS: 3 pairs, 3 tensors
GRADIENT = np.array([[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [2.0, 1.0, 0.0]])  # 3 examples, 3 tensors
NAMES, SIZES = ("a", "b", "c"), (4, 2, 1)
FACTS = OutputFacts(("left", "right"), np.array([0.1, 0.2]), np.array([0.5, 1.0]), test_examples=2)


def part(pairs: slice, positions: list[int]) -> TileSummary:
    count = len(RMS[pairs])
    return TileSummary(
        square_sum=(RMS[pairs] ** 2).sum(0),
        pairs=count,
        gradient_rms={position: GRADIENT[position] for position in positions},
        defects=np.arange(3.0)[pairs],
        outputs=OutputSums(count, np.full(2, 4.0 * count), np.full(2, 10.0 * count), np.full(2, 1.0 * count)),
    )


TILES = [part(slice(0, 1), [0, 1]), part(slice(1, 3), [0, 1, 2])]


def test_tables_are_filled_from_several_tiles() -> None:
    summary = summarise(TILES, 40, NAMES, SIZES, 3, FACTS)
    for table, columns in ((TENSORS, summary.tensors), (FITS, summary.fits), (OUTPUTS, summary.outputs)):
        assert set(columns) == {column.name for column in table.columns}
    np.testing.assert_allclose(summary.tensors["bracket_rms"], np.sqrt([(1 + 9 + 25) / 3, 4, 0]))
    np.testing.assert_allclose(summary.tensors["gradient_rms"], np.sqrt([3, 2 / 3, 0]))
    assert summary.tensors["zero_gradient"].tolist() == [False, False, True]
    assert (summary.fits["tensors"], summary.fits["excluded"]) == ([2], [1])
    np.testing.assert_allclose(summary.outputs["logit_rms"], np.sqrt(4 * 3 / (3 * 2)))
    assert summary.outputs["logit_max"].tolist() == [20, 20]
    assert summary.outputs["label"] == ["left", "right"]
    assert summary.data["zero_gradient"] == ["c"]
    assert summary.data["defect_median"] == 1


def test_without_test_examples_there_are_no_outputs() -> None:
    assert summarise(TILES, 40, NAMES, SIZES, 3, None).outputs is None


@pytest.mark.parametrize(
    "tiles", [TILES[:1], TILES + TILES[:1], [part(slice(0, 3), [0, 1])]], ids=["few", "twice", "examples"]
)
def test_tiles_that_do_not_cover_the_triangle(tiles: list[TileSummary]) -> None:
    with pytest.raises(BlockFault, match="the tiles of step 40 must cover 3 pairs of 3 examples, they cover"):
        summarise(tiles, 40, NAMES, SIZES, 3, None)
