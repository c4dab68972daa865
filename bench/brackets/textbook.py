"""The obvious method: every product H_y g_x at once, brackets by subtraction, norms at the end.

Axes: N examples, n parameter tensors, P parameters.
"""

import torch
from torch import Tensor
from torch.func import grad, jvp, vmap

from workers.brackets.functional import Functional, Tensors


def textbook_norms(functional: Functional, inputs: Tensor, targets: Tensor, chunk_size: int | None = None) -> Tensor:
    """‖[v_x, v_y]‖ of every tensor by vmap over examples y of vmap over directions g_x of jvp(grad L_y): (N, N, n).

    All N²·P products are held, the diagonal included, and everything is taken in the type of the parameters.

    Args:
        functional: The model at the checkpoint.
        inputs: (N, *input_shape).
        targets: (N, K).
        chunk_size: Examples y of one pass of the outer vmap; None takes them all in one.
    """

    def products(example: Tensor, target: Tensor) -> Tensors:
        """H_y g_x for every x at one y, (N, *shape) per parameter."""

        def gradient(parameters: Tensors) -> Tensors:
            result: Tensors = grad(functional.example_loss)(parameters, example, target)
            return result

        def product(direction: Tensors) -> Tensors:
            tangent: Tensors = jvp(gradient, (functional.parameters,), (direction,))[1]
            return tangent

        rows: Tensors = vmap(product)(gradients)
        return rows

    gradients = vmap(grad(functional.example_loss), (None, 0, 0))(functional.parameters, inputs, targets)
    by_y_then_x: Tensors = vmap(products, chunk_size=chunk_size)(inputs, targets)
    return torch.stack(
        [torch.linalg.vector_norm((h.transpose(0, 1) - h).flatten(2), dim=2) for h in by_y_then_x.values()], dim=2
    )
