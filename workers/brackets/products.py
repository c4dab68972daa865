"""Products of derivatives with directions in parameter space, forward over reverse.

Axes: D directions, T test examples, K outputs.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import grad, jvp, vjp, vmap

from workers.brackets.functional import Functional, Tensors

TEST_CHUNK = 64
"""Test examples per pass: bounds memory; part of the bits of a result, so it is fixed."""


def hessian_products(functional: Functional, example: Tensor, target: Tensor, directions: Tensors) -> Tensors:
    """H_y u for D directions u at one example y, as the jvp of its gradient: (D, *shape) per parameter.

    The primal pass is shared by all directions: it does not depend on them, so vmap runs it once.
    """

    def gradient(parameters: Tensors) -> Tensors:
        result: Tensors = grad(functional.example_loss)(parameters, example, target)
        return result

    def product(direction: Tensors) -> Tensors:
        tangent: Tensors = jvp(gradient, (functional.parameters,), (direction,))[1]
        return tangent

    products: Tensors = vmap(product)(directions)
    return products


def gradients_and_products(
    functional: Functional, inputs: Tensor, targets: Tensor, directions: Tensors, names: Sequence[str]
) -> tuple[Tensors, Tensors]:
    """g_y and H_y u at m examples y for D directions u: (m, *shape) and (D, m, *shape) for the named parameters.

    Directions are of all parameters. Examples go by one at a time: for a vmap over them, PyTorch gives the gains of
    LayerNorm wrong tangents within a jvp, and resizes those of BatchNorm around one.
    """

    def loss(named: Tensors, parameters: Tensors, example: Tensor, target: Tensor) -> Tensor:
        return functional.example_loss({**parameters, **named}, example, target)

    def at(example: Tensor, target: Tensor) -> tuple[Tensors, Tensors]:
        def gradient(parameters: Tensors) -> Tensors:
            result: Tensors = grad(loss)({name: parameters[name] for name in names}, parameters, example, target)
            return result

        def product(direction: Tensors) -> tuple[Tensors, Tensors]:
            own, products = jvp(gradient, (functional.parameters,), (direction,))[:2]
            return own, products

        # PyTorch's annotation of `out_dims` leaves out None.
        found: tuple[Tensors, Tensors] = vmap(product, out_dims=(None, 0))(directions)  # type: ignore[arg-type]
        return found

    gradients, products = zip(*(at(*both) for both in zip(inputs, targets, strict=True)), strict=True)
    return (
        {name: torch.stack([one[name] for one in gradients]) for name in names},
        {name: torch.stack([one[name] for one in products], dim=1) for name in names},
    )


def gauss_newton_products(functional: Functional, example: Tensor, target: Tensor, directions: Tensors) -> Tensors:
    """J_yᵀ S_y J_y u for D directions u at one example y: (D, *shape) per parameter.

    S_y is the Hessian of the loss by the logits. This is the part of H_y u without second derivatives of the model.
    """

    def logits(parameters: Tensors) -> Tensor:
        return functional.logits(parameters, example.unsqueeze(0)).squeeze(0)

    def slope(z: Tensor) -> Tensor:
        result: Tensor = grad(functional.loss)(z, target)
        return result

    back: Callable[[Tensor], tuple[Tensors]] = vjp(logits, functional.parameters)[1]

    def product(direction: Tensors) -> Tensors:
        z, dz = jvp(logits, (functional.parameters,), (direction,))[:2]
        return back(jvp(slope, (z,), (dz,))[1])[0]

    products: Tensors = vmap(product)(directions)
    return products


def logit_perturbations(functional: Functional, inputs: Tensor, directions: Tensors) -> Tensor:
    """J_t u for D directions u and T test examples t: (D, T, K). No power of the learning rate is included."""

    def perturbation(part: Tensor) -> Tensor:
        def product(direction: Tensors) -> Tensor:
            tangent: Tensor = jvp(
                lambda parameters: functional.logits(parameters, part), (functional.parameters,), (direction,)
            )[1]
            return tangent

        result: Tensor = vmap(product)(directions)
        return result

    return torch.cat([perturbation(part) for part in torch.split(inputs, TEST_CHUNK)], dim=1)
