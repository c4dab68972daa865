"""Effects of whole reorderings at one checkpoint: predicted from brackets, and exact.

Axes: r reorderings.
"""

from collections.abc import Sequence
from math import isfinite

import torch
from torch import Tensor

from schemas.blocks import BracketReorderings, ObjectRef
from schemas.brackets import Brackets
from workers.blocks.checkpoints import described
from workers.blocks.prepared import prepare
from workers.brackets.orders.order_accuracy import reordering_columns
from workers.brackets.orders.orders import reorderings
from workers.brackets.orders.reorderings import Effect, reordering_effects
from workers.brackets.refusals import refusals
from workers.context import Context
from workers.determinism import deterministic
from workers.errors import BlockFault, UserFault
from workers.outcome import Finished


def bracket_reorderings(
    spec: Brackets, payload: BracketReorderings, inputs: Sequence[ObjectRef], context: Context
) -> Finished:
    """Effects of some of the job's reorderings, with an object for the summary.

    Raises:
        UserFault: an order names an example beyond the train split, or an effect is not finite.
        Cancelled: the block was told to stop.
    """
    asked, step, start = spec.reorderings, payload.step, payload.start
    if asked is None:
        raise BlockFault("the block belongs to a job with reorderings, its spec has none")
    with deterministic(), refusals():
        at = prepare(spec, step, inputs, context)
        orders = reorderings(asked.orders, at.chosen.train, len(at.dataset.train), start, payload.stop)
        with context.kernel():
            effects = reordering_effects(
                at.functional, at.training, orders, asked.lr, at.test(), context.check_cancelled
            )
    bad = [
        number
        for number, effect in enumerate(effects, start)
        if not (isfinite(effect.predicted_norm) and isfinite(effect.exact_norm))
    ]
    if bad:
        raise UserFault(
            f"effects must be finite, those of reorderings {bad[:5]} at step {step} are not: lower the learning rate "
            f"(lr {asked.lr:g}), leave examples out or use an earlier checkpoint"
        )
    arrays = _arrays(effects)
    stored = context.store(f"reordered/{step:09d}/{start:09d}", arrays, dict.fromkeys(arrays, "reordering"))
    data = {
        "step": step,
        "reorderings": len(orders),
        "path": "generic",
        **described(spec, at.dataset),
        "dtype": "float64",
    }
    columns = reordering_columns(step, start, orders, effects, asked.lr)
    return Finished(data=data, rows={"reorderings": columns}, objects=(stored,))


def _arrays(effects: Sequence[Effect]) -> dict[str, Tensor]:
    columns = {"relative_error": [effect.relative_error for effect in effects]} | {
        name: values
        for name in ("predicted_loss", "realised_loss")
        if None not in (values := [getattr(effect, name) for effect in effects])
    }
    return {name: torch.tensor(values, dtype=torch.float64) for name, values in columns.items()}
