"""The pairs with the largest brackets of a checkpoint, from the sums of its tiles.

Positions count within the job's ascending list of examples.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from torch import Tensor

from schemas.brackets import TopPairs
from workers.brackets.tiles.geometry import Integers, TileShape

Floats = np.ndarray[Any, np.dtype[np.float64]]


def largest(tiles: Iterable[dict[str, Tensor]], top: TopPairs) -> Integers:
    """Positions (a, b) of the pairs with the largest brackets, int64 (k, 2) ordered by a, then b; k ≤ `top.count`.

    Of equal ones those that come first are taken, so that the choice does not depend on how the tiles were cut.

    Args:
        tiles: Sums of each tile.
        top: How many, by what.
    """
    pairs, values = np.empty((0, 2), dtype=np.int64), np.empty(0)
    for sums in tiles:
        shape = TileShape(range(*sums["rows"].tolist()), range(*sums["columns"].tolist()))
        pairs = np.concatenate([pairs, shape.members()])
        # A defect is NaN where a gradient vanishes: then the bracket does too.
        values = np.concatenate([values, np.nan_to_num(sums[top.by].numpy())])
        # Kept short on the way: a checkpoint may have a hundred million pairs.
        best = np.lexsort((pairs[:, 1], pairs[:, 0], -values))[: top.count]
        pairs, values = pairs[best], values[best]
    ordered: Integers = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return ordered
