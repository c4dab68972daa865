"""What the tiles of a checkpoint say together.

Axes: N examples, p pairs, n parameter tensors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workers.brackets.summaries.fit import proportionality_fit
from workers.brackets.tiles.null import defect_columns
from workers.errors import BlockFault

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class TileSummary:
    """What a summary needs from one tile.

    Attributes:
        square_sum: Σ over pairs of the mean square of the bracket in each tensor, (n,).
        share_square_sum: The same of the Gauss–Newton parts, if they were computed.
        pairs: p of the tile.
        gradient_rms: RMS of ∇L_x by tensor, (n,), for positions that take part.
        defects: Commutator defects, (p,), NaN where a gradient vanishes.
    """

    square_sum: Floats
    share_square_sum: Floats | None
    pairs: int
    gradient_rms: dict[int, Floats]
    defects: Floats


@dataclass(frozen=True)
class Summary:
    """Columns of the result tables `tensors`, `fits` and `defects`, and a few figures."""

    tensors: dict[str, Any]
    fits: dict[str, Any]
    defects: dict[str, Any]
    data: dict[str, Any]


def summarise(
    tiles: Sequence[TileSummary], step: int, names: Sequence[str], sizes: Sequence[int], N: int, null: Floats
) -> Summary:
    """Reduce the tiles of a checkpoint over all N(N − 1)/2 pairs.

    Args:
        tiles: In the order of their names, so that sums are bitwise repeatable.
        step: Checkpoint.
        names: Parameter tensors in the model's order.
        sizes: Number of elements of each.
        N: Chosen examples.
        null: Null defects of sampled pairs, NaN where a gradient vanishes; empty if none were drawn.

    Raises:
        BlockFault: the tiles do not cover every pair and example exactly once.
    """
    gradients = {position: rms for tile in tiles for position, rms in tile.gradient_rms.items()}
    pairs = sum(tile.pairs for tile in tiles)
    if pairs != N * (N - 1) // 2 or sorted(gradients) != list(range(N)):
        raise BlockFault(
            f"the tiles of step {step} must cover {N * (N - 1) // 2} pairs of {N} examples, "
            f"they cover {pairs} pairs of {len(gradients)}"
        )
    by_example = np.stack([gradients[position] for position in range(N)])
    gradient_rms = np.sqrt((by_example**2).mean(0))
    zero = (by_example == 0).all(0)
    parts = {"bracket": np.sqrt(sum((tile.square_sum for tile in tiles), np.zeros(len(names))) / pairs)}
    shares = [tile.share_square_sum for tile in tiles if tile.share_square_sum is not None]
    if shares:
        parts["gauss_newton"] = np.sqrt(sum(shares, np.zeros(len(names))) / pairs)
    fits = [proportionality_fit(gradient_rms, rms).row(step, part) for part, rms in parts.items()]
    defects = defect_columns(step, np.concatenate([tile.defects for tile in tiles]), null)
    return Summary(
        tensors={
            "step": [step] * len(names),
            "tensor": list(names),
            "position": list(range(len(names))),
            "numel": list(sizes),
            "gradient_rms": gradient_rms,
            "bracket_rms": parts["bracket"],
            "gauss_newton_rms": parts.get("gauss_newton", [None] * len(names)),
            "zero_gradient": zero,
        },
        fits={column: [fit[column] for fit in fits] for column in fits[0]},
        defects=defects,
        data={
            "step": step,
            "pairs": pairs,
            "defect_median": defects["median"][0],
            "null_defect_median": defects["null_median"][0],
            "zero_gradient": [name for name, flag in zip(names, zero, strict=True) if flag],
            "fit": {key: value for key, value in fits[0].items() if key not in ("step", "part")},
        },
    )
