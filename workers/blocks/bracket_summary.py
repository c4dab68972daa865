"""The summary of one checkpoint of a bracket job."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from schemas.blocks import BracketSummary, ObjectRef
from schemas.brackets import Brackets, TopPairs
from schemas.data import count_examples
from workers.blocks.checkpoints import described, structure
from workers.blocks.selection import largest
from workers.brackets.functional import trainable
from workers.brackets.orders.order_accuracy import order_accuracy_columns
from workers.brackets.summaries.summary import Summary, TileSummary, summarise
from workers.brackets.tiles.columns import Floats
from workers.context import Context
from workers.inputs import under
from workers.outcome import Finished, Rows


def bracket_summary(
    spec: Brackets, payload: BracketSummary, inputs: Sequence[ObjectRef], context: Context
) -> Finished:
    """Reduce what the blocks of a checkpoint found.

    Its tiles give the tables `tensors`, `fits` and `defects`, and an object that names the largest pairs where logits
    of those alone are wanted; its reorderings give the table `order_accuracy`.

    Raises:
        BlockFault: the tiles do not cover every pair once.
    """
    _, dataset = structure(spec, context)
    data: dict[str, Any] = {"step": payload.step, **described(spec, dataset)}
    rows: dict[str, Rows] = {}
    objects: tuple[ObjectRef, ...] = ()
    if spec.norms:
        tiles = _read(under(inputs, f"sums/{payload.step:09d}/"), context)
        with context.kernel():
            summary = _summarised(spec, payload.step, tiles, context)
            data |= summary.data
            rows |= {"tensors": summary.tensors, "fits": summary.fits, "defects": summary.defects}
            if isinstance(spec.perturbed, TopPairs):
                selected = {"positions": torch.from_numpy(largest(tiles, spec.perturbed))}
                objects = (context.store(f"selected/{payload.step:09d}", selected, {"positions": "pair member"}),)
    if spec.reorderings is not None:
        parts = _read(under(inputs, f"reordered/{payload.step:09d}/"), context)
        errors = _joined(parts, "relative_error").tolist()
        # Neither is stored without test examples.
        predicted, realised = (
            _joined(parts, name).tolist() if name in parts[0] else [None] * len(errors)
            for name in ("predicted_loss", "realised_loss")
        )
        accuracy = order_accuracy_columns(payload.step, predicted, realised, errors)
        data |= {"order_accuracy": accuracy["accuracy"][0]}
        rows["order_accuracy"] = accuracy
    return Finished(data=data, rows=rows, objects=objects)


def _summarised(spec: Brackets, step: int, tiles: Sequence[dict[str, Tensor]], context: Context) -> Summary:
    named = trainable(structure(spec, context)[0])
    return summarise(
        [_tile(sums) for sums in tiles],
        step,
        names=list(named),
        sizes=[parameter.numel() for parameter in named.values()],
        N=count_examples(spec.examples),
        null=_joined(tiles, "null_defect"),
    )


def _tile(sums: dict[str, Tensor]) -> TileSummary:
    share = sums.get("share_square_sum")
    return TileSummary(
        square_sum=sums["square_sum"].numpy(),
        share_square_sum=None if share is None else share.numpy(),
        pairs=len(sums["defect"]),
        gradient_rms=dict(zip(sums["positions"].tolist(), sums["gradient_rms"].numpy(), strict=True)),
        defects=sums["defect"].numpy(),
    )


def _read(refs: Sequence[ObjectRef], context: Context) -> list[dict[str, Tensor]]:
    found = []
    for ref in refs:
        context.check_cancelled()
        found.append(context.arrays(ref))
    return found


def _joined(parts: Sequence[dict[str, Tensor]], name: str) -> Floats:
    return torch.cat([part[name] for part in parts]).numpy()
