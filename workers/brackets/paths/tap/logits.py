"""Logit perturbations J_t b of many brackets at once, without a tangent pass for each.

Axes: p brackets, T test examples, K outputs, k of them at a time. What comes back to a layer from logit k of
example t is δ_tk; the layer's part of J_t b is ⟨δ_tk ⊗ a_t, b⟩. It is taken for all brackets, examples and logits at
once, as one product of matrices with rows δ_tk ⊗ a_t of J, or, where a parameter is factored, as δ_tk · (b a_t).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.brackets.functional import Functional, Tensors
from workers.brackets.paths.tap.layer import Columns, Flow, Layer, Through
from workers.brackets.paths.tap.state import gather, settle
from workers.brackets.paths.tap.tape import Tape, record

BACK_BYTES = 2**26
"""What may come back to the widest value at once, from all test examples and some logits."""

ROW_BYTES = 2**24
"""What rows of J of one parameter may take, if there is a choice."""


@dataclass(frozen=True)
class TestTaps:
    """Test examples, run forwards.

    Attributes:
        tape: What the forward pass did with all T of them.
    """

    tape: Tape


def test_taps_of(functional: Functional, inputs: Tensor) -> TestTaps:
    """Run test examples (T, *input_shape) forwards.

    Raises:
        Untappable: the tap path cannot follow the model.
    """
    tape = record(functional, inputs)
    settle(tape, torch.zeros_like(tape.logits))
    for layer in tape.layers:
        layer.gradients = {name: gradient.new_empty(0) for name, gradient in layer.gradients.items()}
    return TestTaps(tape)


def perturbations(tests: TestTaps, brackets: Tensors) -> Tensor:
    """J_t b of brackets (p, *shape) by parameter: (p, T, K). No power of the learning rate is included."""
    logits = tests.tape.logits
    sizes = [shape[1:].numel() for step in tests.tape.steps if not isinstance(step, Layer) for shape in step.shapes]
    widest = max([logits.shape[1], *sizes])
    some = max(1, BACK_BYTES // (len(logits) * widest * logits.element_size()))
    every = torch.eye(logits.shape[1], dtype=logits.dtype, device=logits.device)
    return torch.cat([_some_logits(tests.tape, brackets, rows) for rows in torch.split(every, some)], dim=2)


def _some_logits(tape: Tape, brackets: Tensors, rows: Tensor) -> Tensor:
    """Of the logits whose unit vectors are given, (k, K): (p, T, k)."""
    T, k = len(tape.logits), len(rows)
    back = {tape.slot: rows.expand(T, *rows.shape)}
    moved = rows.new_zeros(len(next(iter(brackets.values()))), T, k)
    for step in reversed(tape.steps):
        if isinstance(step, Layer):
            arrived = back.pop(step.outputs[0])
            _add(moved, step, arrived, brackets)
            if isinstance(step, Through) and step.inputs:
                pulled = step.transposed(arrived.flatten(0, 1))
                gather(back, step.inputs, [torch.unflatten(pulled, 0, (T, k))])
        else:
            outputs = [
                back.pop(slot) if slot in back else rows.new_zeros(T, k, *shape[1:])
                for slot, shape in zip(step.outputs, step.shapes, strict=True)
            ]
            gather(back, step.inputs, step.transposed(outputs))
    return moved


def _add(moved: Tensor, layer: Layer, delta: Tensor, brackets: Tensors) -> None:
    """A layer's part, given δ_tk (T, k, …)."""
    T, k = delta.shape[:2]
    flow = Flow(layer, layer, None, delta, None)
    for name in layer.gradients:
        entries = layer.entries(name, brackets[name])
        some = max(1, ROW_BYTES // (k * entries.shape[1] * entries.element_size()))
        for start in range(0, T, some):
            part = slice(start, start + some)
            rows = layer.product(name, flow, part, slice(k), share=False).flatten(2).flatten(0, 1)
            moved[:, part] += (entries @ rows.mT).view(len(entries), -1, k)
    if isinstance(layer, Columns) and layer.factored is not None:
        u = torch.unflatten(layer.u_of(delta.flatten(0, 1)), 0, (T, k)).flatten(2)
        applied = layer.applied_columns(layer.entries(layer.factored, brackets[layer.factored]))
        moved += (u @ applied.flatten(2).permute(1, 2, 0)).permute(2, 0, 1)
