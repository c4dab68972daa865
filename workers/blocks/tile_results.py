"""From a computed tile to what is stored of it: numbers of pairs, arrays, and sums for the summary.

Axes: p pairs, m examples of the tile, n parameter tensors.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.brackets.tiles.columns import Flags, Floats, Integers, PairNumbers, ratio
from workers.brackets.tiles.geometry import TileShape
from workers.brackets.tiles.tile import Tile
from workers.errors import UserFault

AXES = {
    "pairs": "pair member",
    "bracket_norm": "pair",
    "defect": "pair",
    "tensor_rms": "pair tensor",
    "positions": "example",
    "gradient_rms": "example tensor",
    "moved": "moved",
    "logits": "moved test output",
    "rows": "end",
    "columns": "end",
    "square_sum": "tensor",
    "share_square_sum": "tensor",
    "null_defect": "null",
}


def pair_numbers(tile: Tile, shape: TileShape, train: Integers, step: int, recomputed: Flags) -> PairNumbers:
    """A tile's numbers on the host.

    Args:
        tile: What was computed.
        shape: Its pairs.
        train: Train-split indices of the chosen examples, (N,).
        step: Checkpoint.
        recomputed: Which pairs were taken again in float64, (p,).

    Raises:
        UserFault: a number is not finite; it names the examples.
    """
    positions = np.array(shape.positions)
    squares = _host(torch.stack([tile.gradient_squares[position] for position in positions.tolist()]).sum(1))
    losses = _host(torch.stack([tile.losses[position] for position in positions.tolist()]).double())
    bad = train[positions[~np.isfinite(squares + losses)]]
    if len(bad):
        raise UserFault(
            f"losses and gradients must be finite, those of training examples {bad[:5].tolist()} at step {step} are "
            "not: leave these examples out, use dtype float64 or an earlier checkpoint"
        )
    members = shape.members()
    lookup = np.searchsorted(positions, members)
    sums, shares = tile.sums, tile.gauss_newton
    numbers = PairNumbers(
        examples=train[members],
        squares=_host(sums.squares),
        dot_i=_host(sums.dot_x),
        dot_j=_host(sums.dot_y),
        gradient_dot=_host(sums.gradient_dot),
        square_ij=_host(sums.square_xy),
        square_ji=_host(sums.square_yx),
        gradient_norms=np.sqrt(squares)[lookup],
        losses=losses[lookup],
        recomputed=recomputed,
        share_norm=None if shares is None else np.sqrt(_host(shares.squares).sum(1)),
        share_dot=None if shares is None else _host(shares.dot),
    )
    numbers.check_finite(step)
    return numbers


def tile_arrays(tile: Tile, numbers: PairNumbers, sizes: Sequence[int]) -> dict[str, Tensor]:
    """What the tile's object says of its pairs and examples; RMS is by parameter tensor, (p, n) and (m, n)."""
    norm = np.sqrt(numbers.squares.sum(1))
    extents = _extents(sizes)
    positions = sorted(tile.gradient_squares)
    gradients = _host(torch.stack([tile.gradient_squares[position] for position in positions]))
    return {
        "pairs": torch.from_numpy(numbers.examples),
        "bracket_norm": torch.from_numpy(norm),
        "defect": torch.from_numpy(ratio(norm, numbers.gradient_norms.prod(1))),
        "tensor_rms": torch.from_numpy(np.sqrt(numbers.squares / extents)),
        "positions": torch.tensor(positions),
        "gradient_rms": torch.from_numpy(np.sqrt(gradients / extents)),
    }


def tile_sums(
    tile: Tile, shape: TileShape, arrays: dict[str, Tensor], numbers: PairNumbers, sizes: Sequence[int]
) -> dict[str, Tensor]:
    """What the summary needs: a number per pair, and one per tensor in place of one per pair and tensor.

    Unlike in the tile's own arrays, a defect is NaN where a gradient vanishes.
    """
    vanishing = torch.from_numpy(numbers.gradient_norms.prod(1) == 0)
    sums = {name: arrays[name] for name in ("bracket_norm", "positions", "gradient_rms")} | {
        "rows": torch.tensor([shape.rows.start, shape.rows.stop]),
        "columns": torch.tensor([shape.columns.start, shape.columns.stop]),
        "defect": arrays["defect"].masked_fill(vanishing, torch.nan),
        "square_sum": torch.from_numpy(numbers.squares.sum(0) / _extents(sizes)),
    }
    if tile.gauss_newton is not None:
        sums["share_square_sum"] = torch.from_numpy(_host(tile.gauss_newton.squares).sum(0) / _extents(sizes))
    return sums


def _extents(sizes: Sequence[int]) -> Integers:
    """Elements of each tensor; an empty one has RMS 0."""
    return np.maximum(np.array(sizes, dtype=np.int64), 1)


def _host(tensor: Tensor) -> Floats:
    host: np.ndarray[Any, np.dtype[np.float64]] = tensor.cpu().numpy()
    return host
