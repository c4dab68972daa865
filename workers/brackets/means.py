"""Derivatives of the mean loss L_B(θ) = 1/|B| Σ_{x ∈ B} L_x(θ) of a batch B.

Examples pass in chunks whose sums are accumulated in float64: a batch of any size takes the memory of one chunk.
Axes: N examples of the batch, K outputs.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.func import grad_and_value, jvp

from workers.brackets.functional import Functional, Tensors

CHUNK = 64
"""Examples per pass: bounds memory; part of the bits of a result, so it is fixed."""


def mean_loss(functional: Functional, parameters: Tensors, inputs: Tensor, targets: Tensor) -> float:
    """L_B at the given parameters; losses (N, *input_shape), (N, K) are added in float64."""
    with torch.no_grad():
        parts = [loss(parameters).double() for loss in _chunks(functional, inputs, targets)]
    return float(torch.stack(parts).sum()) / len(inputs)


def mean_gradient(functional: Functional, inputs: Tensor, targets: Tensor) -> Tensors:
    """∇L_B by parameter, in float64, for inputs (N, *input_shape) with targets (N, K)."""
    total = _zeros(functional)
    for loss in _chunks(functional, inputs, targets):
        _add(total, grad_and_value(loss)(functional.parameters)[0])
    return {name: tensor / len(inputs) for name, tensor in total.items()}


def mean_product(functional: Functional, inputs: Tensor, targets: Tensor, direction: Tensors) -> Tensors:
    """H_B u for one direction u, in float64, forward over reverse: one product however large the batch is."""
    total = _zeros(functional)
    for loss in _chunks(functional, inputs, targets):

        def gradient(parameters: Tensors, loss: Callable[[Tensors], Tensor] = loss) -> Tensors:
            result: Tensors = grad_and_value(loss)(parameters)[0]
            return result

        _add(total, jvp(gradient, (functional.parameters,), (direction,))[1])
    return {name: tensor / len(inputs) for name, tensor in total.items()}


def _chunks(functional: Functional, inputs: Tensor, targets: Tensor) -> Iterator[Callable[[Tensors], Tensor]]:
    """Σ of the losses of each chunk as a function of the parameters."""
    for part, wanted in zip(torch.split(inputs, CHUNK), torch.split(targets, CHUNK), strict=True):

        def total(parameters: Tensors, part: Tensor = part, wanted: Tensor = wanted) -> Tensor:
            return functional.loss(functional.logits(parameters, part), wanted).sum()

        yield total


def _zeros(functional: Functional) -> Tensors:
    return {name: torch.zeros_like(tensor, dtype=torch.float64) for name, tensor in functional.parameters.items()}


def _add(total: Tensors, part: Tensors) -> None:
    for name, tensor in part.items():
        total[name] += tensor
