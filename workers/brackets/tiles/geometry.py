"""The layout of a tile of unordered pairs: which pairs, in which order, cut into which micro tiles.

Positions count within the job's ascending list of examples; a pair (a, b) has a < b.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.blocks import BracketTile
from workers.errors import BlockFault

Integers = np.ndarray[Any, np.dtype[np.int64]]


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

    def members(self) -> Integers:
        """Positions of both examples of every pair, int64 (pairs, 2)."""
        a, b = _pairs(self.rows, self.columns)
        return np.stack([a, b], axis=1)

    def places(self, rows: range, columns: range) -> Integers:
        """Places of the pairs of a micro tile, ordered by a, then b: int64 (its pairs,)."""
        return self._place(*_pairs(rows, columns))

    def among(self, pairs: Integers) -> Integers:
        """Places of those of some pairs (p, 2) that are in the tile, in their order."""
        a, b = pairs.T
        inside = (a >= self.rows.start) & (a < self.rows.stop) & (b >= self.columns.start) & (b < self.columns.stop)
        return self._place(a[inside], b[inside])

    def _place(self, a: Integers, b: Integers) -> Integers:
        row = a - self.rows.start
        if not self.diagonal:
            return row * len(self.columns) + b - self.columns.start
        return row * (2 * len(self.rows) - row - 1) // 2 + b - a - 1

    def micro(self, edge: int) -> Iterator["tuple[range, range]"]:
        """Micro tiles with edges of at most `edge`, row by row; those below the diagonal are left out."""
        for rows in _cut(self.rows, edge):
            for columns in _cut(self.columns, edge):
                if not self.diagonal or columns.start >= rows.start:
                    yield rows, columns


def _pairs(rows: range, columns: range) -> tuple[Integers, Integers]:
    """All a in rows and b in columns with a < b, ordered by a, then b."""
    a, b = np.meshgrid(np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop), indexing="ij")
    ordered = a < b
    return a[ordered], b[ordered]


def _cut(span: range, edge: int) -> Iterator[range]:
    for start in range(span.start, span.stop, edge):
        yield range(start, min(start + edge, span.stop))
