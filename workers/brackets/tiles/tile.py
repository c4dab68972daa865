"""A tile of brackets by any path: micro tiles one after the other, memory for one of them.

Axes: N examples, n parameter tensors, T test examples, K outputs. A pair (a, b) holds [v_a, v_b] = H_b g_a − H_a g_b.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.brackets.functional import Tensors
from workers.brackets.paths.path import BracketPath, FirstOrder, Wanted
from workers.brackets.paths.reductions import GaussNewtonSums, PairSums
from workers.brackets.tiles.geometry import Integers, TileShape

Flags = np.ndarray[Any, np.dtype[np.bool_]]
States = Callable[[range], Any]
"""First-order states of spans of positions; whoever gives it decides what is kept."""


@dataclass(frozen=True)
class TileTask:
    """What to compute about a tile.

    Attributes:
        shape: The pairs.
        micro: Edge of the micro tiles: it bounds memory and is part of the bits of a result.
        gauss_newton: Whether sums of the Gauss–Newton parts are wanted.
        tests: What the path's `tests` made of the test examples; needed for `moved`.
        moved: Which pairs' logit perturbations are wanted, by place, bool (pairs,); None for none.
        kept: Which pairs' whole brackets are wanted, likewise.
    """

    shape: TileShape
    micro: int
    gauss_newton: bool = False
    tests: Any = None
    moved: Flags | None = None
    kept: Flags | None = None


@dataclass
class Tile:
    """Results by pair, in the order of `TileShape.index`; sums in float64, on the path's device.

    Attributes:
        sums: One row per pair.
        gauss_newton: Sums of the Gauss–Newton parts, if wanted.
        losses: L_x by position.
        gradient_squares: ‖g_x‖² of every tensor by position, (n,).
        logits: J_t [v_a, v_b] of the moved pairs in the order of their places, (moved, T, K), on the CPU; None if
            there are none.
        kept: Whole brackets on the CPU, by place.
    """

    sums: PairSums
    gauss_newton: GaussNewtonSums | None
    losses: dict[int, Tensor] = field(default_factory=dict)
    gradient_squares: dict[int, Tensor] = field(default_factory=dict)
    logits: Tensor | None = None
    kept: dict[int, Tensors] = field(default_factory=dict)


def compute_tile(
    path: BracketPath[Any, Any],
    states: States,
    task: TileTask,
    n: int,
    device: torch.device,
    pause: Callable[[], None] = lambda: None,
) -> Tile:
    """All brackets of a tile. Micro tiles run over both spans; a row's state is held while its columns go by.

    Args:
        path: How brackets are computed.
        states: First-order states of spans of positions.
        task: What to compute.
        n: Parameter tensors.
        device: Where sums live.
        pause: Called before every micro tile; what it raises ends the tile.
    """
    shape = task.shape
    tile = Tile(
        sums=PairSums.zeros(shape.pairs, n, device),
        gauss_newton=GaussNewtonSums.zeros(shape.pairs, n, device) if task.gauss_newton else None,
    )
    left: tuple[range, FirstOrder] | None = None
    for rows, columns in shape.micro(task.micro):
        pause()
        if left is None or left[0] != rows:
            left = rows, states(rows)
            _note(tile, rows, left[1])
        right = None
        if columns != rows:
            right = states(columns)
            _note(tile, columns, right)
        places = shape.places(rows, columns)
        if len(places):
            _micro_tile(path, task, tile, places, left[1], right)
    return tile


def span_states(path: BracketPath[Any, Any], inputs: Tensor, targets: Tensor) -> States:
    """States made anew each time, of inputs (N, *input_shape) with targets (N, K)."""
    return lambda span: path.first_order(inputs[span.start : span.stop], targets[span.start : span.stop])


def _micro_tile(
    path: BracketPath[Any, Any],
    task: TileTask,
    tile: Tile,
    places: Integers,
    left: FirstOrder,
    right: FirstOrder | None,
) -> None:
    """Record the pairs of one micro tile. A function of its own, so that its products are gone before the next."""
    moved = [] if task.moved is None else np.flatnonzero(task.moved[places]).tolist()
    kept = [] if task.kept is None else np.flatnonzero(task.kept[places]).tolist()
    block = path.pairs(left, right, Wanted(task.gauss_newton, task.tests, moved, kept))
    rows = torch.from_numpy(places).to(tile.sums.squares.device)
    tile.sums.put(rows, block.sums)
    if tile.gauss_newton is not None and block.gauss_newton is not None:
        tile.gauss_newton.put(rows, block.gauss_newton)
    if block.logits is not None and task.moved is not None:
        if tile.logits is None:
            tile.logits = torch.zeros(int(task.moved.sum()), *block.logits.shape[1:], dtype=block.logits.dtype)
        rank = np.cumsum(task.moved) - 1
        tile.logits[torch.from_numpy(rank[places[moved]])] = block.logits.cpu()
    for place, bracket in zip(kept, block.brackets, strict=True):
        tile.kept[int(places[place])] = {name: tensor.cpu() for name, tensor in bracket.items()}


def _note(tile: Tile, span: range, state: FirstOrder) -> None:
    """Losses and gradient norms of a span, the first time round."""
    if span.start not in tile.losses:
        squares = state.squares()
        for place, position in enumerate(span):
            tile.losses[position] = state.losses[place]
            tile.gradient_squares[position] = squares[place]
