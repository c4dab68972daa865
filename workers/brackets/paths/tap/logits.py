"""Logit perturbations J_t b of many brackets at once, without a tangent pass for each.

Axes: p brackets, T test examples, K outputs, k of them at a time. What comes back to a layer from logit k of
example t is δ_tk; the layer's part of J_t b is ⟨δ_tk ⊗ a_t, b⟩. It is taken for all brackets, examples and logits at
once, as one product of matrices with rows δ_tk ⊗ a_t of J, or, where a parameter is factored, as δ_tk · (b a_t).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workers.brackets.functional import Functional, Tensors
from workers.brackets.paths.tap.layer import Columns, Flow, Layer, Through
from workers.brackets.paths.tap.state import gather, settle
from workers.brackets.paths.tap.tape import Tape, record

BACK_BYTES = 2**26
"""What may come back to the widest value at once, from all test examples and some logits."""

KEPT_BYTES = 2**28
"""What rows and columns of J may take to be kept for all blocks; larger ones are formed anew for each."""


@dataclass(frozen=True)
class Rows:
    """What J_t is made of at one parameter, for some logits of all test examples.

    Attributes:
        layer: The layer at the test examples.
        name: The parameter.
        values: δ_tk ⊗ a_t, (T, k, entries); where the parameter is factored δ_tk, (T, k, positions · c_out).
    """

    layer: Layer
    name: str
    values: Tensor

    def moved(self, brackets: Tensors) -> Tensor:
        """⟨δ_tk ⊗ a_t, b⟩ of brackets (p, *shape) by parameter: (p, T, k)."""
        entries = self.layer.entries(self.name, brackets[self.name])
        if isinstance(self.layer, Columns) and self.layer.factored == self.name:
            applied = self.layer.applied_columns(entries)
            return (self.values @ applied.flatten(2).permute(1, 2, 0)).permute(2, 0, 1)
        return (entries @ self.values.flatten(0, 1).mT).view(len(entries), *self.values.shape[:2])


@dataclass(frozen=True)
class TestTaps:
    """Test examples, run forwards.

    Attributes:
        tape: What the forward pass did with all T of them.
        kept: What came back from every logit, if it is small enough: by groups of logits, in order.
    """

    tape: Tape
    kept: tuple[tuple[Rows, ...], ...] = ()

    def groups(self) -> Iterator[Iterator[Rows]]:
        """Rows of J by groups of logits, kept ones or new ones."""
        if self.kept:
            yield from (iter(group) for group in self.kept)
            return
        logits = self.tape.logits
        every = torch.eye(logits.shape[1], dtype=logits.dtype, device=logits.device)
        for units in torch.split(every, self.group):
            yield _backwards(self.tape, units)

    @property
    def group(self) -> int:
        """Logits that go back together."""
        logits = self.tape.logits
        sizes = [
            shape[1:].numel() for step in self.tape.steps if not isinstance(step, Layer) for shape in step.shapes
        ]
        widest = max([logits.shape[1], *sizes])
        return max(1, BACK_BYTES // (len(logits) * widest * logits.element_size()))


def test_taps_of(functional: Functional, inputs: Tensor) -> TestTaps:
    """Run test examples (T, *input_shape) forwards, and back from every logit if what that gives can be kept.

    Raises:
        Untappable: the tap path cannot follow the model.
    """
    tape = record(functional, inputs)
    settle(tape, torch.zeros_like(tape.logits))
    for layer in tape.layers:
        layer.gradients = {name: gradient.new_empty(0) for name, gradient in layer.gradients.items()}
    taps = TestTaps(tape)
    wide = sum(
        layer.u[0].numel() if isinstance(layer, Columns) and layer.factored == name else parameter.numel()
        for layer in tape.layers
        for name in layer.names
        for parameter in [functional.parameters[name]]
    )
    if tape.logits.nbytes * wide > KEPT_BYTES:
        return taps
    return replace(taps, kept=tuple(tuple(group) for group in taps.groups()))


def perturbations(tests: TestTaps, brackets: Tensors) -> Tensor:
    """J_t b of brackets (p, *shape) by parameter: (p, T, K). No power of the learning rate is included."""
    found = []
    for group in tests.groups():
        moved: Tensor | None = None
        for rows in group:
            part = rows.moved(brackets)
            moved = part if moved is None else moved.add_(part)
        if moved is not None:
            found.append(moved)
    return torch.cat(found, dim=2)


def _backwards(tape: Tape, units: Tensor) -> Iterator[Rows]:
    """Rows of every parameter, the last layer's first, for the logits with these unit vectors (k, K)."""
    T, k = len(tape.logits), len(units)
    back = {tape.slot: units.expand(T, *units.shape)}
    for step in reversed(tape.steps):
        if isinstance(step, Layer):
            arrived = back.pop(step.outputs[0])
            yield from _rows(step, arrived)
            if isinstance(step, Through) and step.inputs:
                pulled = step.transposed(arrived.flatten(0, 1))
                gather(back, step.inputs, [torch.unflatten(pulled, 0, (T, k))])
        else:
            outputs = [
                back.pop(slot) if slot in back else units.new_zeros(T, k, *shape[1:])
                for slot, shape in zip(step.outputs, step.shapes, strict=True)
            ]
            gather(back, step.inputs, step.transposed(outputs))


def _rows(layer: Layer, delta: Tensor) -> Iterator[Rows]:
    """Of a layer's parameters, given δ_tk (T, k, …)."""
    flow = Flow(layer, layer, None, delta, None)
    for name in layer.gradients:
        yield Rows(layer, name, layer.product(name, flow, slice(None), slice(None), share=False).flatten(2))
    if isinstance(layer, Columns) and layer.factored is not None:
        u = torch.unflatten(layer.u_of(delta.flatten(0, 1)), 0, delta.shape[:2])
        yield Rows(layer, layer.factored, u.flatten(2))
