"""The engine under measurement: all pairs of a subject, tile by tile, as a worker computes them.

Axes: N examples, n parameter tensors, T test examples, K outputs.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from bench.brackets.subjects import Subject
from workers.brackets.tiles.geometry import TileShape
from workers.brackets.tiles.tile import Tile, TileTask, compute_tile, span_states


def tile_shapes(N: int, edge: int) -> Iterator[TileShape]:
    """All unordered pairs of N examples in tiles with edges of at most `edge`."""
    cuts = [range(start, stop) for start, stop in pairwise([*range(0, N, edge), N])]
    for place, rows in enumerate(cuts):
        for columns in cuts[place:]:
            yield TileShape(rows, columns)


def tiles(subject: Subject, shapes: Sequence[TileShape], *, moved: bool = False) -> Iterator[Tile]:
    """The brackets of these tiles, one tile after the other; with `moved`, their logit perturbations too."""
    path, states = subject.path, span_states(subject.path, subject.inputs, subject.targets)
    n = len(subject.functional.parameters)
    tests = path.tests(subject.tests) if moved else None
    for shape in shapes:
        flags = np.ones(shape.pairs, np.bool_) if moved else None
        task = TileTask(shape, subject.micro, tests=tests, moved=flags)
        yield compute_tile(path, states, task, n, subject.inputs.device)


def all_pairs(subject: Subject, *, moved: bool = False) -> Tile:
    """All pairs as a single tile."""
    [tile] = tiles(subject, list(tile_shapes(len(subject.inputs), len(subject.inputs))), moved=moved)
    return tile


def check_norms(tile: Tile, norms: Tensor, tolerance: float) -> None:
    """Return, if the norms of a single tile equal those of another method, so that nothing wrong can be fast.

    Args:
        tile: All pairs of N examples.
        norms: ‖[v_x, v_y]‖ of every tensor, (N, N, n).
        tolerance: Largest difference of a norm, relative to it or, where that is larger, to the median of its tensor:
            of a norm far below the others, a small difference of products, float32 leaves few digits to either.

    Raises:
        RuntimeError: they differ.
    """
    N = len(norms)
    a, b = torch.triu_indices(N, N, 1).unbind()
    theirs, ours = norms[a, b].double().cpu(), tile.sums.squares.sqrt().cpu()
    scale = torch.maximum(theirs, theirs.median(0).values).clamp_min(torch.finfo(torch.float64).tiny)
    error = ((ours - theirs).abs() / scale).max().item()
    if not error <= tolerance:
        raise RuntimeError(f"norms must agree to {tolerance:g} relative, the largest difference is {error:g}")
