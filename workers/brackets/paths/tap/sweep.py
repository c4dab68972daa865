"""One pass of tangents forwards and backwards through a tape, for all directions at all examples.

Axes: M examples y of the tape, D examples x whose gradients are the directions; tangents (M, D, …).
The passes use shared weights only: what a direction adds at a layer is a source, known beforehand.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from workers.brackets.paths.tap.layer import Flow, Layer, Through
from workers.brackets.paths.tap.operations import Operation
from workers.brackets.paths.tap.state import Taps, gather

Tangents = dict[int, Tensor]
"""By slot."""


def sweep(at: Taps, along: Taps, share: bool) -> Iterator[Flow]:
    """Tangents at every layer, from the last to the first: da and dδ of H_y g_x.

    Args:
        at: The examples y.
        along: The examples x, through the same steps.
        share: Whether dδ of the Gauss–Newton part is wanted too.
    """
    directions = {step.names: step for step in along.tape.layers}
    tangents: Tangents = {}
    for step in at.tape.steps:
        if isinstance(step, Layer):
            tangent = tangents[step.inputs[0]] if step.inputs else None
            tangents[step.outputs[0]] = step.push(directions[step.names], tangent)
        else:
            tangents |= zip(step.outputs, step.push([tangents[slot] for slot in step.inputs]), strict=True)
    slot = at.tape.slot
    curved = at.curved(tangents[slot])
    full, shares = {slot: curved}, {slot: curved} if share else {}
    for step in reversed(at.tape.steps):
        incoming = [tangents[slot] for slot in step.inputs]
        if isinstance(step, Layer):
            ddelta, shared = full.pop(step.outputs[0]), shares.pop(step.outputs[0], None)
            layer = directions[step.names]
            yield Flow(step, layer, incoming[0] if incoming else None, ddelta, shared)
            if isinstance(step, Through) and isinstance(layer, Through) and step.inputs:
                gather(full, step.inputs, [step.pull(layer, ddelta)])
                if shared is not None:
                    flat = step.transposed(shared.flatten(0, 1))
                    gather(shares, step.inputs, [torch.unflatten(flat, 0, shared.shape[:2])])
        else:
            gather(full, step.inputs, step.pull(_arrived(full, step, tangents), incoming))
            if share:
                gather(shares, step.inputs, step.transposed(_arrived(shares, step, tangents)))
        for slot in step.outputs:
            tangents.pop(slot, None)


def _arrived(cotangents: Tangents, step: Operation, tangents: Tangents) -> list[Tensor]:
    """Of an operation's outputs; those that nothing used have none."""
    return [cotangents.pop(slot) if slot in cotangents else torch.zeros_like(tangents[slot]) for slot in step.outputs]
