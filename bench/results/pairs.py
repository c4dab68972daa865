"""Rows of pairs as tiles bring them, made up: norms are log-normal, the rest is as full as in a real job."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from schemas.bracket_results import PAIRS

EDGE = 64
"""Examples along a tile's edge: 4,096 pairs a tile."""
TILE = EDGE * EDGE


def tiles(rows: int, step: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Columns of `pairs`, a tile at a time, at least `rows` rows altogether, in the order of the tiles' rows."""
    count = -(-rows // TILE)
    across = max(1, int(count**0.5))
    for number in range(count):
        row, column = divmod(number, across)
        yield tile(row, across + column, step, np.random.default_rng((seed, step, number)))


def tile(row: int, column: int, step: int, rng: np.random.Generator) -> dict[str, Any]:
    """Columns of one tile: examples of block `row` against those of block `column`."""
    i, j = np.meshgrid(EDGE * row + np.arange(EDGE), EDGE * column + np.arange(EDGE), indexing="ij")
    given: dict[str, Any] = {
        "step": np.full(TILE, step),
        "i": i.ravel(),
        "j": j.ravel(),
        "recomputed": np.zeros(TILE, bool),
        "object": [f"tiles/{step:09d}/{row:05d}-{column:05d}"] * TILE,
        "position": np.arange(TILE),
    }
    for known in PAIRS.columns:
        if known.name not in given:
            given[known.name] = [None] * TILE if known.nullable else rng.lognormal(size=TILE)
    return given
