"""A tile of brackets computed in a test, by any path."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.brackets.functional import Functional
from workers.brackets.paths.generic import Generic
from workers.brackets.paths.path import BracketPath
from workers.brackets.paths.structured.path import Structured
from workers.brackets.paths.tap import Tap
from workers.brackets.tiles.geometry import TileShape
from workers.brackets.tiles.tile import Flags, Tile, TileTask, compute_tile, span_states

PATHS: dict[str, Callable[[Functional], BracketPath[Any, Any]]] = {
    "generic": Generic,
    "tap": Tap,
    "structured": Structured.of,
}
"""Every path, made from the model at a point."""

Pairs = Iterable[tuple[int, int]]


@dataclass(frozen=True)
class Found:
    """A tile and its shape, with kept brackets as vectors by pair."""

    shape: TileShape
    tile: Tile

    @property
    def kept(self) -> dict[tuple[int, int], Tensor]:
        members = self.shape.members()
        return {
            (int(members[place][0]), int(members[place][1])): torch.cat([part.reshape(-1) for part in kept.values()])
            for place, kept in self.tile.kept.items()
        }


def whole(N: int) -> TileShape:
    """All pairs among N examples."""
    return TileShape(range(N), range(N))


def flags(shape: TileShape, pairs: Pairs) -> Flags:
    """Which places of a tile hold these pairs."""
    wanted = set(pairs)
    return np.array([(int(a), int(b)) in wanted for a, b in shape.members()], dtype=np.bool_)


def tile_of(
    path: BracketPath[Any, Any],
    inputs: Tensor,
    targets: Tensor,
    shape: TileShape | None = None,
    micro: int = 100,
    *,
    tests: Tensor | None = None,
    moved: Pairs | None = None,
    kept: Pairs = (),
    gauss_newton: bool = False,
    pause: Callable[[], None] = lambda: None,
) -> Found:
    """All brackets of a tile (of all examples by default); with test examples, all logit perturbations by default."""
    shape = shape or whole(len(inputs))
    everywhere = np.ones(shape.pairs, dtype=np.bool_)
    states = span_states(path, inputs, targets)
    task = TileTask(
        shape,
        micro,
        gauss_newton,
        tests=None if tests is None else path.tests(tests),
        moved=None if tests is None else everywhere if moved is None else flags(shape, moved),
        kept=flags(shape, kept),
    )
    n = states(range(1)).squares().shape[1]
    return Found(shape, compute_tile(path, states, task, n, inputs.device, pause))
