"""Projections of brackets on the targets of a job at one checkpoint.

Axes: p pairs, Q targets.
"""

from collections.abc import Sequence
from typing import assert_never

import numpy as np

from schemas.blocks import BracketProjections, ObjectRef
from schemas.brackets import Brackets
from schemas.targets import SavedDirection, Target, TestLogit, TestLoss
from workers.blocks.checkpoints import described
from workers.blocks.prepared import Prepared, prepare
from workers.brackets.functional import Tensors
from workers.brackets.refusals import refusals
from workers.brackets.targets.directions import logit_direction, loss_direction, saved_direction
from workers.brackets.targets.projections import project_rows
from workers.context import Context
from workers.determinism import deterministic
from workers.errors import UserFault
from workers.inputs import needed
from workers.outcome import Finished, Rows


def bracket_projections(
    spec: Brackets, payload: BracketProjections, inputs: Sequence[ObjectRef], context: Context, shrink: int
) -> Finished:
    """Project the brackets of all pairs whose first example is among the rows, on the block's targets.

    Raises:
        UserFault: a target does not fit the model or the data, or a value is not finite.
        MemoryFault: the rows and the examples that go by did not fit.
        Cancelled: the block was told to stop.
    """
    micro = max(1, payload.micro >> shrink)
    targets = spec.projections[slice(*payload.targets)]
    with deterministic(), refusals():
        at = prepare(spec, payload.step, inputs, context)
        with context.kernel():
            directions = [_direction(at, target, inputs) for target in targets]
            found = project_rows(
                at.functional, *at.examples(), range(*payload.rows), directions, micro, context.check_cancelled
            )
    pairs, Q = at.chosen.train[found.pairs], len(targets)
    fine = np.isfinite(found.values).all(1)
    if not fine.all():
        raise UserFault(
            f"projections must be finite, those of {int((~fine).sum())} pairs at step {payload.step} are not, first "
            f"examples {[tuple(pair) for pair in pairs[~fine][:5].tolist()]}: leave these examples out, use dtype "
            "float64 or an earlier checkpoint"
        )
    rows: Rows = {
        "step": np.full(len(pairs) * Q, payload.step),
        "i": np.repeat(pairs[:, 0], Q),
        "j": np.repeat(pairs[:, 1], Q),
        "target": [target.label for target in targets] * len(pairs),
        "value": found.values.reshape(-1),
    }
    data = {
        "step": payload.step,
        "pairs": len(pairs),
        "targets": Q,
        "micro": micro,
        "path": "generic",
        **described(spec, at.dataset),
    }
    return Finished(data=data, rows={"projections": rows})


def _direction(at: Prepared, target: Target, inputs: Sequence[ObjectRef]) -> Tensors:
    match target:
        case TestLoss():
            test = at.test()
            if test is None:
                raise UserFault("a projection on the test loss needs test_examples: choose some")
            return loss_direction(at.functional, *test)
        case TestLogit():
            examples = at.dataset.test.inputs
            if target.example >= len(examples):
                raise UserFault(
                    f"a projection on a logit names test example {target.example}, the test split has "
                    f"{len(examples)} (0 … {len(examples) - 1}): choose among those"
                )
            return logit_direction(at.functional, examples[target.example], target.output)
        case SavedDirection():
            arrays = at.context.arrays(needed(inputs, target.object))
            source = f"object {target.object!r} of job {target.job_id}"
            return saved_direction(at.functional, arrays, target.prefix, target.position, source)
        case _:
            assert_never(target)
