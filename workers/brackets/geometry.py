"""The layout of a tile of unordered pairs: which pairs, in which order, cut into which micro tiles.

Positions count within the job's ascending list of examples; a pair (a, b) has a < b.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from schemas.blocks import BracketTile
from workers.errors import BlockFault


@dataclass(frozen=True)
class TileShape:
    """All pairs (a, b), a < b, with a in `rows` and b in `columns`: equal spans, or `columns` wholly after `rows`."""

    rows: range
    columns: range

    @classmethod
    def of(cls, payload: BracketTile, N: int) -> "TileShape":
        """The shape a payload asks for.

        Raises:
            BlockFault: the spans overlap, are empty, or go beyond the N examples.
        """
        rows, columns = range(*payload.rows), range(*payload.columns)
        apart = rows == columns or columns.start >= rows.stop
        if not rows or not columns or not apart or columns.stop > N:
            raise BlockFault(
                f"a tile needs non-empty spans within {N} examples, equal or in order; "
                f"came rows {payload.rows}, columns {payload.columns}"
            )
        return cls(rows, columns)

    @property
    def diagonal(self) -> bool:
        """Whether rows and columns are the same examples."""
        return self.rows == self.columns

    @property
    def positions(self) -> range | tuple[int, ...]:
        """Examples that take part, ascending."""
        return self.rows if self.diagonal else (*self.rows, *self.columns)

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        n = len(self.rows)
        return n * (n - 1) // 2 if self.diagonal else n * len(self.columns)

    def index(self, a: int, b: int) -> int:
        """Place of pair (a, b) along the `pair` axis: ordered by a, then b."""
        row = a - self.rows.start
        if not self.diagonal:
            return row * len(self.columns) + b - self.columns.start
        return row * (2 * len(self.rows) - row - 1) // 2 + b - a - 1

    def members(self) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """Positions of both examples of every pair, int64 (pairs, 2)."""
        listed = [(a, b) for a in self.rows for b in self.columns if a < b]
        return np.array(listed, dtype=np.int64).reshape(-1, 2)

    def micro(self, edge: int) -> Iterator["tuple[range, range]"]:
        """Micro tiles with edges of at most `edge`, row by row; those below the diagonal are left out."""
        for rows in _cut(self.rows, edge):
            for columns in _cut(self.columns, edge):
                if not self.diagonal or columns.start >= rows.start:
                    yield rows, columns


def _cut(span: range, edge: int) -> Iterator[range]:
    for start in range(span.start, span.stop, edge):
        yield range(start, min(start + edge, span.stop))
