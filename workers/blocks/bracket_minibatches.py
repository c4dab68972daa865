"""Brackets of minibatches at one checkpoint.

Axes: P parameters.
"""

from collections.abc import Sequence
from math import isfinite

import numpy as np

from schemas.blocks import BracketMinibatches, ObjectRef
from schemas.brackets import Brackets
from workers.blocks.checkpoints import described
from workers.blocks.prepared import prepare
from workers.brackets.minibatches import minibatch_brackets, minibatch_columns
from workers.brackets.refusals import refusals
from workers.brackets.sampling import numbered_pairs
from workers.context import Context
from workers.determinism import deterministic
from workers.errors import UserFault
from workers.outcome import Finished

HELD_BYTES = 2**28
"""Of mean gradients kept while pairs go by; which are kept does not change a result."""


def bracket_minibatches(
    spec: Brackets, payload: BracketMinibatches, inputs: Sequence[ObjectRef], context: Context
) -> Finished:
    """Brackets of some pairs of the job's minibatches.

    Raises:
        UserFault: a minibatch names an example beyond the train split, or a number is not finite.
        Cancelled: the block was told to stop.
    """
    with deterministic(), refusals():
        at = prepare(spec, payload.step, inputs, context)
        size = len(at.dataset.train)
        pairs = numbered_pairs(len(spec.minibatches), np.arange(payload.start, payload.stop)).tolist()
        for place in sorted({place for pair in pairs for place in pair}):
            if max(spec.minibatches[place]) >= size:
                raise UserFault(
                    f"minibatch {place} names example {max(spec.minibatches[place])} of the train split, which has "
                    f"{size} (0 … {size - 1}): choose among those"
                )
        P = sum(at.sizes)
        with context.kernel():
            found = minibatch_brackets(
                at.functional,
                at.training,
                spec.minibatches,
                pairs,
                max(2, HELD_BYTES // (8 * P)),
                context.check_cancelled,
            )
    bad = [tuple(pair) for pair, one in zip(pairs, found, strict=True) if not isfinite(one.norm)]
    if bad:
        raise UserFault(
            f"brackets must be finite, those of minibatches {bad[:5]} at step {payload.step} are not: leave the "
            "examples out that make them so, use dtype float64 or an earlier checkpoint"
        )
    data = {"step": payload.step, "pairs": len(pairs), "path": "generic", **described(spec, at.dataset)}
    return Finished(data=data, rows={"minibatches": minibatch_columns(payload.step, pairs, found, P)})
