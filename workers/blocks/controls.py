"""Samples of a tile's pairs that are looked at twice: against random directions, and against float64.

Each tile takes the sampled pairs that lie in it, so that a sample does not depend on how a job was cut into tiles.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from schemas.brackets import Brackets
from workers.blocks.prepared import Prepared
from workers.brackets.sampling import sampled_pairs
from workers.brackets.tiles.columns import Floats, Integers
from workers.brackets.tiles.geometry import TileShape
from workers.brackets.tiles.null import null_defects
from workers.brackets.tiles.verify import StoredPair, verification_columns, verify_pairs
from workers.outcome import Rows
from workers.streams import Stream


def null_of_tile(at: Prepared, shape: TileShape, lengths: Floats) -> Tensor:
    """Null defects of the sampled pairs in a tile; `lengths` are the gradient norms of all its pairs, (p, 2)."""
    places = _sampled(at.spec, at.spec.null_pairs, Stream.NULL, shape, len(at.chosen.train))
    pairs, examples = shape.members()[places], at.examples()
    found = null_defects(at.functional, *examples, at.chosen.train, pairs, lengths[places], at.spec.seed)
    return torch.from_numpy(found)


def verifications_of_tile(
    at: Prepared, shape: TileShape, step: int, rows: Rows, arrays: Mapping[str, Tensor]
) -> Rows | None:
    """Rows of `verifications` for the sampled pairs in a tile, None if there is none.

    Args:
        at: The checkpoint.
        shape: The tile.
        step: Checkpoint.
        rows: Its rows of `pairs`.
        arrays: Its arrays: `tensor_rms` by pair, and `logits` of the pairs in `moved`, if there are any.
    """
    places = _sampled(at.spec, at.spec.verify, Stream.VERIFICATION, shape, len(at.chosen.train))
    if not len(places):
        return None
    ranks = {place: rank for rank, place in enumerate(arrays["moved"].tolist())} if "moved" in arrays else {}
    stored = [
        StoredPair(
            norm=float(rows["bracket_norm"][place]),
            tensor_rms=arrays["tensor_rms"][place].numpy(),
            cosine_a=float(rows["cosine_i"][place]),
            cosine_b=float(rows["cosine_j"][place]),
            logits=arrays["logits"][ranks[place]].numpy() if place in ranks else None,
        )
        for place in places.tolist()
    ]
    pairs = shape.members()[places]
    test = at.test_inputs() if ranks else None
    found = verify_pairs(at.functional, *at.examples(), pairs.tolist(), stored, test, at.context.check_cancelled)
    return verification_columns(step, at.chosen.train[pairs].tolist(), found, at.path.name)


def _sampled(spec: Brackets, count: int, stream: Stream, shape: TileShape, N: int) -> Integers:
    """Places in the tile of those of the job's sampled pairs that lie in it."""
    return shape.among(sampled_pairs(N, count, spec.seed, stream)) if count else np.empty(0, dtype=np.int64)
