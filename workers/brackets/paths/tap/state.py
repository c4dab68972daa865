"""Examples with their taps: the input and the output cotangent of every layer.

Axes: M examples, n parameter tensors, K outputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import grad, jvp, vmap

from workers.brackets.functional import Functional
from workers.brackets.paths.tap.factored import factored_squares
from workers.brackets.paths.tap.layer import Columns, Layer, Through
from workers.brackets.paths.tap.tape import Tape, record
from workers.losses import ExampleLoss


@dataclass(frozen=True)
class Taps:
    """A batch at a checkpoint, with every layer settled.

    Attributes:
        losses: L_x, (M,).
        tape: What the forward pass did.
        order: Names of the parameters in the model's order.
        loss: Of single examples.
        targets: (M, K).
    """

    losses: Tensor
    tape: Tape
    order: Sequence[str]
    loss: ExampleLoss
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def nbytes(self) -> int:
        """Of taps, gradients and derivatives of operations."""
        return self.targets.nbytes + sum(step.nbytes for step in self.tape.steps)

    def squares(self) -> Tensor:
        """‖g_x‖² of every tensor, in float64: (M, n)."""
        found: dict[str, Tensor] = {}
        for layer in self.tape.layers:
            for name, gradient in layer.gradients.items():
                norms = torch.linalg.vector_norm(gradient.reshape(len(self), -1), dim=1, dtype=torch.float64)
                found[name] = norms.square()
            if isinstance(layer, Columns) and layer.factored is not None:
                found[layer.factored] = factored_squares(layer)
        return torch.stack([found[name] for name in self.order], dim=1)

    def curved(self, tangents: Tensor) -> Tensor:
        """S_y dz for tangents (M, D, K) of the logits, S_y the Hessian of the loss by them, taken in float64."""
        slope = vmap(grad(self.loss))
        z, targets = self.tape.logits.double(), self.targets.double()

        def product(tangent: Tensor) -> Tensor:
            result: Tensor = jvp(lambda z: slope(z, targets), (z,), (tangent,))[1]
            return result

        products: Tensor = vmap(product, in_dims=1, out_dims=1)(tangents.double())
        return products.to(tangents.dtype)


def taps_of(functional: Functional, inputs: Tensor, targets: Tensor) -> Taps:
    """Run a batch forwards and backwards. The slope of the loss is taken in float64.

    Raises:
        Untappable: the tap path cannot follow the model.
    """
    tape = record(functional, inputs)
    z = tape.logits.double()
    losses = functional.loss(z, targets.double())
    slopes: Tensor = vmap(grad(functional.loss))(z, targets.double())
    settle(tape, slopes.to(tape.logits.dtype))
    return Taps(losses.to(tape.logits.dtype), tape, tuple(functional.parameters), functional.loss, targets)


def settle(tape: Tape, slopes: Tensor) -> None:
    """Take cotangents (M, K) of the logits back through the tape, settling every step on the way."""
    delta = {tape.slot: slopes}
    for step in reversed(tape.steps):
        if isinstance(step, Layer):
            cotangent = delta.pop(step.outputs[0])
            step.settle(cotangent)
            backwards: Sequence[Tensor] = (
                [step.transposed(cotangent)] if isinstance(step, Through) and step.inputs else []
            )
        else:
            arrived = [
                delta.pop(slot) if slot in delta else slopes.new_zeros(shape)
                for slot, shape in zip(step.outputs, step.shapes, strict=True)
            ]
            backwards = step.settle(arrived)
        gather(delta, step.inputs, backwards)


def gather(cotangents: dict[int, Tensor], slots: Sequence[int], arrived: Sequence[Tensor]) -> None:
    """Add what came back from one step to what came from others."""
    for slot, cotangent in zip(slots, arrived, strict=True):
        cotangents[slot] = cotangents[slot] + cotangent if slot in cotangents else cotangent
