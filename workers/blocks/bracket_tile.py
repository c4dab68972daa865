"""One tile of the pair matrix at one checkpoint."""

from collections.abc import Sequence
from math import isqrt

import numpy as np
import torch

from schemas.blocks import BracketTile, ObjectRef
from schemas.brackets import Brackets
from workers.blocks import moves, tile_results
from workers.blocks.checkpoints import described
from workers.blocks.controls import null_of_tile, verifications_of_tile
from workers.blocks.prepared import Prepared, prepare
from workers.blocks.tile_results import pair_numbers, tile_arrays, tile_sums
from workers.brackets.refusals import refusals
from workers.brackets.tiles.geometry import TileShape
from workers.brackets.tiles.recompute import recompute_cancelled
from workers.brackets.tiles.tile import Flags, Tile, TileTask, compute_tile
from workers.context import Context
from workers.determinism import deterministic
from workers.outcome import Finished, Rows

AXES = tile_results.AXES | moves.AXES


def bracket_tile(
    spec: Brackets, payload: BracketTile, inputs: Sequence[ObjectRef], context: Context, shrink: int
) -> Finished:
    """Compute a tile, store its arrays and return its rows.

    What the summary needs of a tile is an object of its own, so that it need not read logits and kept brackets.

    Raises:
        UserFault: an example, the model or a number is not what it must be.
        MemoryFault: the micro tile did not fit.
        Cancelled: the block was told to stop.
    """
    step, rows = payload.step, dict[str, Rows]()
    with deterministic(), refusals():
        at = prepare(spec, step, inputs, context)
        shape = TileShape.of(payload, len(at.chosen.train))
        if shape.columns.start == 0:
            # Of the first tile alone: every job says it, and says it once.
            at.explain_path(step)
        micro = _edge(at, shape, payload.micro, shrink)
        place = f"{step:09d}/{shape.rows.start:06d}-{shape.columns.start:06d}"
        name = f"tiles/{place}"
        with context.kernel():
            task = _task(at, shape, micro)
            tile, recomputed = _computed(at, task)
            numbers = pair_numbers(tile, shape, at.chosen.train, step, recomputed)
            arrays = tile_arrays(tile, numbers, at.sizes)
            sums = tile_sums(tile, shape, arrays, numbers, at.sizes)
            kept = np.array(sorted(tile.kept), dtype=np.int64)
            rows["pairs"] = numbers.columns(step, sum(at.sizes), name, kept)
            if task.moved is not None and tile.logits is not None:
                moved = np.flatnonzero(task.moved)
                rows["perturbations"] = moves.perturbation_rows(at, step, numbers.examples[moved], tile.logits, name)
                arrays |= {"moved": torch.from_numpy(moved), "logits": tile.logits}
                sums |= moves.moved_sums(at, tile.logits)
        # Not counted as the kernel's: samples fall on few tiles and say nothing of what a pair costs.
        sums["null_defect"] = null_of_tile(at, shape, numbers.gradient_norms)
        verified = verifications_of_tile(at, shape, step, rows["pairs"], arrays)
        if verified is not None:
            rows["verifications"] = verified
    for parameter in at.names if len(kept) else ():
        arrays[f"kept/{parameter}"] = torch.stack([tile.kept[place][parameter] for place in kept.tolist()])
    stored = tuple(
        context.store(label, content, {key: axes for key, axes in AXES.items() if key in content})
        for label, content in ((name, arrays), (f"sums/{place}", sums))
    )
    data = {
        "step": step,
        "pairs": shape.pairs,
        "kept": len(kept),
        "recomputed": int(recomputed.sum()),
        "micro": micro,
        "path": at.path.name,
        **described(spec, at.dataset),
    }
    return Finished(data=data, rows=rows, objects=stored)


def _edge(at: Prepared, shape: TileShape, asked: int, shrink: int) -> int:
    """Edge of the inner tiles: as asked for, if the path can hold them, and halved `shrink` times."""
    fitting = isqrt(at.pairs_at_once(asked**2))
    # Half of what was held: a tile may be smaller than its micro tiles may be.
    longest = max(len(shape.rows), len(shape.columns))
    return max(1, min(fitting, longest) >> shrink) if shrink else fitting


def _task(at: Prepared, shape: TileShape, micro: int) -> TileTask:
    moved = at.chosen.flags(at.spec.perturbed, shape)
    return TileTask(
        shape,
        micro,
        at.spec.gauss_newton,
        None if moved is None else at.tests(),
        moved=moved,
        kept=at.chosen.flags(at.spec.keep, shape),
    )


def _computed(at: Prepared, task: TileTask) -> tuple[Tile, Flags]:
    """The tile, and which of its pairs were taken again in float64."""
    pause = at.context.check_cancelled
    tile = compute_tile(at.path, at.state, task, len(at.sizes), at.context.device, pause)
    test = None if task.moved is None else at.test_inputs()
    return tile, recompute_cancelled(at.path, *at.examples(), tile, task, test, pause)
