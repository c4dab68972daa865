"""The summary of one checkpoint of a bracket job."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from schemas.blocks import BracketSummary, ObjectRef
from schemas.brackets import Brackets, TopPairs
from schemas.data import count_examples
from workers.blocks.checkpoints import described, structure
from workers.blocks.selection import largest
from workers.brackets.functional import trainable
from workers.brackets.summary import TileSummary, summarise
from workers.context import Context
from workers.inputs import under
from workers.outcome import Finished, Rows


def bracket_summary(
    spec: Brackets, payload: BracketSummary, inputs: Sequence[ObjectRef], context: Context
) -> Finished:
    """Reduce the tiles of a checkpoint to the tables `tensors`, `fits` and `defects`, and find its largest pairs.

    Raises:
        BlockFault: the tiles do not cover every pair once.
    """
    refs = under(inputs, f"sums/{payload.step:09d}/")
    model, dataset = structure(spec, context)
    tiles, nulls = [], []
    for ref in refs:
        context.check_cancelled()
        arrays = context.arrays(ref)
        tiles.append(_read(arrays))
        nulls.append(arrays["null_defect"].numpy())
    named = trainable(model)
    with context.kernel():
        summary = summarise(
            tiles,
            payload.step,
            names=list(named),
            sizes=[parameter.numel() for parameter in named.values()],
            N=count_examples(spec.examples),
            null=np.concatenate(nulls),
        )
    rows: dict[str, Rows] = {"tensors": summary.tensors, "fits": summary.fits, "defects": summary.defects}
    objects: tuple[ObjectRef, ...] = ()
    if isinstance(spec.perturbed, TopPairs):
        with context.kernel():
            selected = largest((context.arrays(ref) for ref in refs), spec.perturbed)
        objects = (
            context.store(
                f"selected/{payload.step:09d}", {"positions": torch.from_numpy(selected)}, {"positions": "pair member"}
            ),
        )
    return Finished(data=summary.data | described(spec, dataset), rows=rows, objects=objects)


def _read(sums: dict[str, Tensor]) -> TileSummary:
    positions, gradient_rms = sums["positions"].numpy(), sums["gradient_rms"].numpy()
    defects, share = sums["defect"].numpy(), sums.get("share_square_sum")
    return TileSummary(
        square_sum=sums["square_sum"].numpy(),
        share_square_sum=None if share is None else share.numpy(),
        gradient_rms=dict(zip(positions.tolist(), gradient_rms, strict=True)),
        pairs=len(defects),
        defects=defects,
    )
