import numpy as np
import pytest

from schemas.bracket_results import DEFECTS, FITS, TENSORS
from workers.brackets.summaries.summary import TileSummary, summarise
from workers.errors import BlockFault

RMS = np.array([[1.0, 2.0, 0.0], [3.0, 2.0, 0.0], [5.0, 2.0, 0.0]])  # bracket RMS: 3 pairs, 3 tensors
GRADIENT = np.array([[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [2.0, 1.0, 0.0]])  # 3 examples, 3 tensors
NAMES, SIZES = ("a", "b", "c"), (4, 2, 1)


def part(pairs: slice, positions: list[int], share: float | None = None) -> TileSummary:
    return TileSummary(
        square_sum=(RMS[pairs] ** 2).sum(0),
        share_square_sum=None if share is None else (share * RMS[pairs] ** 2).sum(0),
        pairs=len(RMS[pairs]),
        gradient_rms={position: GRADIENT[position] for position in positions},
        defects=np.array([np.nan, 1.0, 2.0])[pairs],
    )


def tiles(share: float | None = None) -> list[TileSummary]:
    return [part(slice(0, 1), [0, 1], share), part(slice(1, 3), [0, 1, 2], share)]


TILES, NULL = tiles(), np.array([0.5, np.nan, 1.5])


def test_tables_are_filled_from_several_tiles() -> None:
    summary = summarise(TILES, 40, NAMES, SIZES, 3, NULL)
    for table, columns in ((TENSORS, summary.tensors), (FITS, summary.fits), (DEFECTS, summary.defects)):
        assert set(columns) == {column.name for column in table.columns}
    np.testing.assert_allclose(summary.tensors["bracket_rms"], np.sqrt([(1 + 9 + 25) / 3, 4, 0]))
    np.testing.assert_allclose(summary.tensors["gradient_rms"], np.sqrt([3, 2 / 3, 0]))
    assert summary.tensors["gauss_newton_rms"] == [None] * 3
    assert summary.tensors["zero_gradient"].tolist() == [False, False, True]
    assert (summary.fits["part"], summary.fits["tensors"], summary.fits["excluded"]) == (["bracket"], [2], [1])
    assert (summary.defects["pairs"], summary.defects["median"]) == ([2], [1.5])
    assert (summary.defects["null_pairs"], summary.defects["null_median"]) == ([2], [1.0])
    assert summary.data["zero_gradient"] == ["c"]
    assert (summary.data["defect_median"], summary.data["null_defect_median"]) == (1.5, 1.0)
    assert summary.data["fit"]["intercept"] == summary.fits["intercept"][0]


def test_gauss_newton_parts_have_a_fit_of_their_own() -> None:
    summary = summarise(tiles(share=0.25), 40, NAMES, SIZES, 3, NULL)
    np.testing.assert_allclose(summary.tensors["gauss_newton_rms"], summary.tensors["bracket_rms"] / 2)
    assert summary.fits["part"] == ["bracket", "gauss_newton"]
    first, second = summary.fits["intercept"]
    assert second == pytest.approx(first - np.log10(2))


def test_summaries_repeat_bitwise() -> None:
    first, second = (summarise(tiles(0.3), 40, NAMES, SIZES, 3, NULL) for _ in range(2))
    np.testing.assert_array_equal(first.tensors["bracket_rms"], second.tensors["bracket_rms"])
    assert first.fits == second.fits
    assert first.data == second.data


def test_nothing_drawn_for_the_null() -> None:
    summary = summarise(TILES, 40, NAMES, SIZES, 3, np.zeros(0))
    assert (summary.defects["null_pairs"], summary.defects["null_median"]) == ([0], [None])


@pytest.mark.parametrize(
    "tiles", [TILES[:1], TILES + TILES[:1], [part(slice(0, 3), [0, 1])]], ids=["few", "twice", "examples"]
)
def test_tiles_that_do_not_cover_the_triangle(tiles: list[TileSummary]) -> None:
    with pytest.raises(BlockFault, match="the tiles of step 40 must cover 3 pairs of 3 examples, they cover"):
        summarise(tiles, 40, NAMES, SIZES, 3, NULL)
