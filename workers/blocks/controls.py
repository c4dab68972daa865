"""Samples of a tile's pairs that are looked at twice: against random directions, and against float64.

Each tile takes the sampled pairs that lie in it, so that a sample does not depend on how a job was cut into tiles.
"""

import numpy as np
import torch
from torch import Tensor

from schemas.brackets import Brackets
from workers.blocks.prepared import Prepared
from workers.brackets.columns import Floats, Integers
from workers.brackets.geometry import TileShape
from workers.brackets.null import null_defects
from workers.brackets.sampling import sampled_pairs
from workers.brackets.verify import StoredPair, verification_columns, verify_pairs
from workers.outcome import Rows
from workers.streams import Stream


def null_of_tile(at: Prepared, shape: TileShape, lengths: Floats) -> Tensor:
    """Null defects of the sampled pairs in a tile; `lengths` are the gradient norms of all its pairs, (p, 2)."""
    places = _sampled(at.spec, at.spec.null_pairs, Stream.NULL, shape, len(at.chosen.train))
    pairs, examples = shape.members()[places], at.examples()
    found = null_defects(at.functional, *examples, at.chosen.train, pairs, lengths[places], at.spec.seed)
    return torch.from_numpy(found)


def verifications_of_tile(
    at: Prepared, shape: TileShape, step: int, rows: Rows, tensor_rms: Tensor, moves: tuple[Integers, Tensor] | None
) -> Rows | None:
    """Rows of `verifications` for the sampled pairs in a tile, None if there is none.

    Args:
        at: The checkpoint.
        shape: The tile.
        step: Checkpoint.
        rows: Its rows of `pairs`.
        tensor_rms: RMS of every tensor by pair.
        moves: Places of the moved pairs, ascending, and their perturbations.
    """
    places = _sampled(at.spec, at.spec.verify, Stream.VERIFICATION, shape, len(at.chosen.train))
    if not len(places):
        return None
    stored = [
        StoredPair(
            norm=float(rows["bracket_norm"][place]),
            tensor_rms=tensor_rms[place].numpy(),
            cosine_a=float(rows["cosine_i"][place]),
            cosine_b=float(rows["cosine_j"][place]),
            logits=_moved(place, moves),
        )
        for place in places.tolist()
    ]
    pairs = shape.members()[places]
    test = None if moves is None else at.test_inputs()
    found = verify_pairs(at.functional, *at.examples(), pairs.tolist(), stored, test, at.context.check_cancelled)
    return verification_columns(step, at.chosen.train[pairs].tolist(), found, at.path.name)


def _sampled(spec: Brackets, count: int, stream: Stream, shape: TileShape, N: int) -> Integers:
    return shape.among(sampled_pairs(N, count, spec.seed, stream)) if count else np.empty(0, dtype=np.int64)


def _moved(
    place: int, moves: tuple[Integers, Tensor] | None
) -> "np.ndarray[tuple[int, ...], np.dtype[np.floating]] | None":
    if moves is None:
        return None
    at = int(np.searchsorted(moves[0], place))
    found = at < len(moves[0]) and moves[0][at] == place
    return moves[1][at].numpy() if found else None
