"""Gradients and losses of single examples.

Axes: N examples, K outputs.
"""

from dataclasses import dataclass

from torch import Tensor
from torch.func import grad_and_value, vmap

from workers.brackets.functional import Functional, Tensors


@dataclass(frozen=True)
class FirstOrder:
    """Examples with their losses and gradients.

    Attributes:
        inputs: (N, *input_shape).
        targets: (N, K).
        losses: L_x, (N,).
        gradients: g_x = ∇L_x by parameter, (N, *shape).
        flat: The same in float64 and flattened, (N, numel).
    """

    inputs: Tensor
    targets: Tensor
    losses: Tensor
    gradients: Tensors
    flat: Tensors

    def __len__(self) -> int:
        return len(self.inputs)


def flat64(tensors: Tensors) -> Tensors:
    """Every tensor (N, *shape) as float64 (N, numel)."""
    return {name: tensor.reshape(len(tensor), -1).double() for name, tensor in tensors.items()}


def first_order(functional: Functional, inputs: Tensor, targets: Tensor) -> FirstOrder:
    """Losses and gradients of every example by itself, vmapped over the examples."""
    per_example = vmap(grad_and_value(functional.example_loss), in_dims=(None, 0, 0))
    gradients, losses = per_example(functional.parameters, inputs, targets)
    return FirstOrder(inputs, targets, losses, gradients, flat64(gradients))
