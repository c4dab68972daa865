"""Gradients and losses of single examples.

Axes: N examples, K outputs, n parameter tensors.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import grad_and_value, vmap

from workers.brackets.functional import Functional, Tensors


@dataclass(frozen=True)
class Gradients:
    """Examples with their losses and whole gradients.

    Attributes:
        inputs: (N, *input_shape).
        targets: (N, K).
        losses: L_x, (N,).
        gradients: g_x = ∇L_x by parameter, (N, *shape).
    """

    inputs: Tensor
    targets: Tensor
    losses: Tensor
    gradients: Tensors

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def nbytes(self) -> int:
        """Memory that the gradients and examples hold."""
        return self.inputs.nbytes + self.targets.nbytes + sum(g.nbytes for g in self.gradients.values())

    def squares(self) -> Tensor:
        """‖g_x‖² of every tensor, accumulated in float64: (N, n)."""
        norms = [
            torch.linalg.vector_norm(gradient.reshape(len(self), -1), dim=1, dtype=torch.float64)
            for gradient in self.gradients.values()
        ]
        return torch.stack(norms, dim=1).square()


def gradients_of(functional: Functional, inputs: Tensor, targets: Tensor) -> Gradients:
    """Losses and gradients of every example by itself, vmapped over the examples."""
    per_example = vmap(grad_and_value(functional.example_loss), in_dims=(None, 0, 0))
    gradients, losses = per_example(functional.parameters, inputs, targets)
    return Gradients(inputs, targets, losses, gradients)
