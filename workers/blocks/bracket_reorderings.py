"""Effects of whole reorderings at one checkpoint: predicted from brackets, and exact."""

from collections.abc import Sequence
from math import isfinite

import torch

from schemas.blocks import BracketReorderings, ObjectRef
from schemas.brackets import Brackets
from workers.blocks.checkpoints import described
from workers.blocks.prepared import prepare
from workers.brackets.orders import reorderings
from workers.brackets.refusals import refusals
from workers.brackets.reorderings import reordering_effects
from workers.context import Context
from workers.determinism import deterministic
from workers.errors import BlockFault, UserFault
from workers.outcome import Finished


def bracket_reorderings(
    spec: Brackets, payload: BracketReorderings, inputs: Sequence[ObjectRef], context: Context
) -> Finished:
    """Effects of some of the job's reorderings.

    Raises:
        UserFault: an order names an example beyond the train split, or a number is not finite.
        Cancelled: the block was told to stop.
    """
    asked = spec.reorderings
    if asked is None:
        raise BlockFault("the block belongs to a job with reorderings, its spec has none")
    with deterministic(), refusals():
        at = prepare(spec, payload.step, inputs, context)
        orders = reorderings(asked.orders, at.chosen.train, len(at.dataset.train), payload.start, payload.stop)
        with context.kernel():
            effects = reordering_effects(
                at.functional, at.training, orders, asked.lr, at.test(), context.check_cancelled
            )
    raise NotImplementedError
