import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.blocks import BracketTile
from workers.brackets.tiles.geometry import TileShape
from workers.errors import BlockFault

SPANS = st.one_of(
    st.tuples(st.integers(0, 5), st.integers(1, 9)).map(lambda s: (range(s[0], s[0] + s[1]),) * 2),
    st.tuples(st.integers(0, 3), st.integers(1, 6), st.integers(0, 3), st.integers(1, 6)).map(
        lambda s: (range(s[0], s[0] + s[1]), range(s[0] + s[1] + s[2], s[0] + s[1] + s[2] + s[3]))
    ),
)


@given(SPANS)
def test_places_count_the_members_in_order(spans: tuple[range, range]) -> None:
    shape = TileShape(*spans)
    members = [tuple(pair) for pair in shape.members().tolist()]
    assert members == [(a, b) for a in spans[0] for b in spans[1] if a < b]
    assert shape.places(shape.rows, shape.columns).tolist() == list(range(shape.pairs))


@given(SPANS, st.integers(1, 7))
def test_micro_tiles_cover_every_pair_once(spans: tuple[range, range], edge: int) -> None:
    shape = TileShape(*spans)
    covered = [
        (a, b) for rows, columns in shape.micro(edge) for a in rows for b in columns if a < b or not shape.diagonal
    ]
    assert sorted(covered) == [tuple(pair) for pair in shape.members().tolist()]
    members = shape.members()
    for rows, columns in shape.micro(edge):
        pairs = [[a, b] for a in rows for b in columns if a < b]
        assert members[shape.places(rows, columns)].tolist() == pairs
        assert max(len(rows), len(columns)) <= edge
        assert rows == columns or rows.stop <= columns.start


@pytest.mark.parametrize(
    ("rows", "columns"), [((0, 3), (2, 5)), ((0, 3), (0, 4)), ((3, 5), (0, 3)), ((0, 3), (3, 9))]
)
def test_spans_that_make_no_tile(rows: tuple[int, int], columns: tuple[int, int]) -> None:
    payload = BracketTile(step=0, rows=rows, columns=columns, micro=1)
    with pytest.raises(BlockFault, match="non-empty spans within 8 examples, equal or in order"):
        TileShape.of(payload, 8)
