"""Directions q in parameter space on which brackets are projected (schemas.targets).

Axes: T test examples, K outputs. A direction has the names, shapes and types of the parameters.
"""

from collections.abc import Mapping

from torch import Tensor
from torch.func import grad

from workers.brackets.functional import Functional, Tensors
from workers.brackets.means import mean_gradient
from workers.errors import UserFault


def loss_direction(functional: Functional, inputs: Tensor, targets: Tensor) -> Tensors:
    """The gradient ∇ (1/T) Σ_t L_t of the mean loss of test examples (T, *input_shape) with targets (T, K)."""
    found = mean_gradient(functional, inputs, targets)
    return {name: q.to(functional.parameters[name].dtype) for name, q in found.items()}


def logit_direction(functional: Functional, example: Tensor, output: int) -> Tensors:
    """The gradient ∇ z_k of the logit of one test example (*input_shape), k = `output`.

    Raises:
        UserFault: there is no such output.
    """

    def logit(parameters: Tensors) -> Tensor:
        logits = functional.logits(parameters, example.unsqueeze(0)).squeeze(0)
        if output >= len(logits):
            raise UserFault(
                f"a projection on a logit names an output of the model, which has {len(logits)} "
                f"(0 … {len(logits) - 1}); came {output}"
            )
        return logits[output]

    direction: Tensors = grad(logit)(functional.parameters)
    return direction


def saved_direction(
    functional: Functional, arrays: Mapping[str, Tensor], prefix: str, position: int | None, source: str
) -> Tensors:
    """The direction in the arrays of a stored object, named `prefix` + parameter.

    Args:
        functional: Whose parameters give names, shapes and types.
        arrays: All arrays of the object.
        prefix: What stands before the parameter's name.
        position: Place along the first axis of the arrays, none if they are shaped as the parameters.
        source: What to call the object in a message.

    Raises:
        UserFault: an array is missing, has another shape, or holds numbers that are not finite.
    """
    direction = Tensors()
    for name, parameter in functional.parameters.items():
        array = arrays.get(prefix + name)
        if array is None:
            raise UserFault(
                f"a saved direction needs an array {prefix + name!r}, {source} has {sorted(arrays)[:5]}: "
                "name another object or prefix"
            )
        if position is not None:
            if array.dim() == 0 or position >= len(array):
                raise UserFault(
                    f"position {position} is not along the first axis of {prefix + name!r} in {source}, "
                    f"whose shape is {tuple(array.shape)}: give a smaller one, or none for parameters"
                )
            array = array[position]
        if array.shape != parameter.shape:
            raise UserFault(
                f"a saved direction must be shaped as the parameters: {name!r} is {tuple(parameter.shape)}, "
                f"{prefix + name!r} in {source} is {tuple(array.shape)}"
            )
        if not array.isfinite().all():
            raise UserFault(f"a saved direction must be finite, {prefix + name!r} in {source} is not")
        direction[name] = array.to(parameter.device, parameter.dtype)
    return direction
