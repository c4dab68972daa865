"""Logit perturbations of the pairs that the summary of a checkpoint selected.

Axes: p pairs, T test examples, K outputs.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from schemas.blocks import BracketPerturbations, ObjectRef
from schemas.brackets import Brackets
from workers.blocks import moves
from workers.blocks.checkpoints import described
from workers.blocks.prepared import Prepared, prepare
from workers.brackets.paths.path import Wanted
from workers.brackets.refusals import refusals
from workers.brackets.tiles.geometry import Integers
from workers.brackets.tiles.recompute import cancelled, exact_state
from workers.context import Context
from workers.determinism import deterministic
from workers.inputs import needed
from workers.outcome import Finished
from workers.precision import doubled

AXES = {"pairs": "pair member", "logits": "pair test output", **moves.AXES}


def bracket_perturbations(
    spec: Brackets, payload: BracketPerturbations, inputs: Sequence[ObjectRef], context: Context, shrink: int
) -> Finished:
    """Compute the logit perturbations of some selected pairs, store them and return their rows.

    Raises:
        UserFault: a perturbation is not finite.
        MemoryFault: the pairs did not fit.
        Cancelled: the block was told to stop.
    """
    selected = context.arrays(needed(inputs, f"selected/{payload.step:09d}"))["positions"]
    positions: Integers = selected[payload.start : payload.stop].numpy()
    place = f"{payload.step:09d}/{payload.start:09d}"
    name = f"moves/{place}"
    with deterministic(), refusals():
        at = prepare(spec, payload.step, inputs, context)
        micro = max(1, at.pairs_at_once(payload.micro) >> shrink)
        with context.kernel():
            parts = []
            for row, columns in _rows(positions, micro):
                context.check_cancelled()
                parts.append(_perturbations(at, row, columns))
            logits = torch.cat(parts)
            examples = at.chosen.train[positions]
            rows = moves.perturbation_rows(at, payload.step, examples, logits, name)
            sums = moves.moved_sums(at, logits)
    stored = tuple(
        context.store(label, content, {key: axes for key, axes in AXES.items() if key in content})
        for label, content in (
            (name, {"pairs": torch.from_numpy(examples), "logits": logits}),
            (f"moved/{place}", sums),
        )
    )
    data = {
        "step": payload.step,
        "pairs": len(positions),
        "micro": micro,
        "path": at.path.name,
        **described(spec, at.dataset),
    }
    return Finished(data=data, rows={"perturbations": rows}, objects=stored)


def _rows(positions: Integers, micro: int) -> Iterator[tuple[int, list[int]]]:
    """First examples with their second ones, at most `micro` at a time, of positions (p, 2) ordered by the first."""
    for row in np.unique(positions[:, 0]).tolist():
        columns = positions[positions[:, 0] == row, 1].tolist()
        for start in range(0, len(columns), micro):
            yield row, columns[start : start + micro]


def _perturbations(at: Prepared, row: int, columns: list[int]) -> Tensor:
    """J_t [v_a, v_b] of one a with some b, (p, T, K) on the CPU; where digits were lost in float32, from float64."""
    inputs, targets = at.examples()
    left = at.path.first_order(inputs[[row]], targets[[row]])
    right = at.path.first_order(inputs[columns], targets[columns])
    block = at.path.pairs(left, right, Wanted(tests=at.tests(), moved=range(len(columns))))
    if block.logits is None:
        raise RuntimeError("the path was asked for logits and returned none")
    logits = block.logits.cpu()
    again = np.flatnonzero(cancelled(block.sums)).tolist()
    if again and inputs.dtype != torch.float64:
        double = at.path.double()
        one = exact_state(double, inputs, targets, [row])
        others = exact_state(double, inputs, targets, [columns[b] for b in again])
        wanted = Wanted(tests=double.tests(doubled(at.test_inputs())), moved=range(len(again)))
        exact = double.pairs(one, others, wanted).logits
        if exact is not None:
            logits[again] = exact.to("cpu", logits.dtype)
    return logits
