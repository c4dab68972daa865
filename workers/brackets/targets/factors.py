"""Gradients and products of many examples, with those of linear layers kept as outer products.

A linear layer that sees one vector a per example has the gradient g_W = δ ⊗ a, g_b = δ with δ = ∂L/∂z, and along a
direction q the product (H q)_W = dδ ⊗ a + δ ⊗ da, (H q)_b = dδ. Kept so, N² dot products cost the widths of layers,
not their numbers of weights:

    g_x · H_y q = Σ_layers (δ_x · dδ_y) (a_x · a_y + 1) + (δ_x · δ_y) (a_x · da_y),    no 1 without a bias

Axes: N examples, Q directions, L and R examples on either side.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import grad, jvp, vmap

from workers.brackets.functional import Functional, Tensors
from workers.brackets.products import gradients_and_products
from workers.brackets.vectors import inner_products
from workers.brackets.watch import watched

PROOF = 1e-3
"""Relative error, in any type, up to which a gradient counts as the outer product that it should be."""


@dataclass(frozen=True)
class Spread:
    """Gradients of N examples, and their products with Q directions.

    Attributes:
        gradients: g of the parameters that are not factored, (N, *shape).
        products: H q of them, (Q, N, *shape).
        deltas: δ by factored layer, (N, d_out).
        inputs: a, (N, d_in).
        delta_tangents: dδ, (Q, N, d_out).
        input_tangents: da, (Q, N, d_in).
    """

    gradients: Tensors
    products: Tensors
    deltas: Tensors
    inputs: Tensors
    delta_tangents: Tensors
    input_tangents: Tensors


@dataclass(frozen=True)
class Factors:
    """How a model's parameters are held.

    Attributes:
        functional: The model at the checkpoint.
        layers: Linear layers that are factored, by name.
        rest: Names of the parameters that are not theirs.
    """

    functional: Functional
    layers: dict[str, nn.Linear]
    rest: tuple[str, ...]

    @classmethod
    def of(cls, functional: Functional, example: Tensor, target: Tensor) -> "Factors":
        """Find the linear layers whose gradient is an outer product: proved on one example (1, …), (1, K)."""
        found = _alone(functional)
        met = list[nn.Module]()

        def note(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
            if given[0].dim() == 2:
                met.append(layer)
            else:
                found.pop(names[layer], None)

        names: dict[nn.Module, str] = {layer: name for name, layer in found.items()}
        with torch.no_grad(), watched(names, note):
            functional.logits(functional.parameters, example)
        once = {name: layer for name, layer in found.items() if met.count(layer) == 1}
        whole = grad(functional.example_loss)(functional.parameters, example[0], target[0])
        deltas, inputs = _taps(functional, once, functional.parameters, example, target)

        def proved(name: str) -> bool:
            """A parameter may be used elsewhere without its layer: its gradient is then more than the layer's."""
            delta = deltas[name][0]
            expected = {"weight": torch.outer(delta, inputs[name][0]), "bias": delta}
            return all(
                float((whole[f"{name}.{kind}"] - expected[kind]).norm()) <= PROOF * float(expected[kind].norm())
                for kind, _ in once[name].named_parameters()
            )

        layers = {name: layer for name, layer in once.items() if proved(name)}
        own = {f"{name}.{kind}" for name in layers for kind in ("weight", "bias")}
        return cls(functional, layers, tuple(name for name in functional.parameters if name not in own))

    def spread(self, inputs: Tensor, targets: Tensor, directions: Tensors) -> Spread:
        """First-order state of examples (N, …), (N, K), with one product for each of Q directions (Q, *shape)."""
        gradients, products = Tensors(), Tensors()
        if self.rest:
            gradients, products = gradients_and_products(self.functional, inputs, targets, directions, self.rest)
        if not self.layers:
            return Spread(gradients, products, {}, {}, {}, {})

        def product(direction: Tensors) -> tuple[tuple[Tensors, Tensors], tuple[Tensors, Tensors]]:
            found, tangents = jvp(
                lambda parameters: _taps(self.functional, self.layers, parameters, inputs, targets),
                (self.functional.parameters,),
                (direction,),
            )[:2]
            return found, tangents

        # PyTorch's annotation of `out_dims` leaves out None.
        taps, tangents = vmap(product, out_dims=(None, 0))(directions)  # type: ignore[arg-type]
        return Spread(gradients, products, *taps, *tangents)

    def products(self, left: Spread, right: Spread) -> Tensor:
        """g_l · H_r q of all left examples l, right examples r and directions: float64 (L, R, Q)."""
        parts = []
        if self.rest:
            flat = {name: product.flatten(0, 1) for name, product in right.products.items()}
            dots = inner_products(left.gradients, flat)
            Q = len(next(iter(right.products.values())))
            parts.append(dots.reshape(len(dots), Q, -1).transpose(1, 2))
        for name, layer in self.layers.items():
            delta, given = left.deltas[name].double(), left.inputs[name].double()
            alike = given @ right.inputs[name].double().T + (layer.bias is not None)
            along = delta @ right.deltas[name].double().T
            moved = torch.einsum("lo,qro->lrq", delta, right.delta_tangents[name].double())
            seen = torch.einsum("li,qri->lrq", given, right.input_tangents[name].double())
            parts.append(moved * alike.unsqueeze(-1) + along.unsqueeze(-1) * seen)
        return torch.stack(parts).sum(0)


def _alone(functional: Functional) -> dict[str, nn.Linear]:
    """Plain linear layers, by name, whose parameters are all trained and no other module's."""
    modules = list(functional.model.named_modules())
    owners = Counter(id(parameter) for _, module in modules for parameter in module._parameters.values())
    return {
        name: layer
        for name, layer in modules
        if type(layer) is nn.Linear
        and all(
            owners[id(parameter)] == 1 and f"{name}.{kind}" in functional.parameters
            for kind, parameter in layer.named_parameters()
        )
    }


def _taps(
    functional: Functional, layers: dict[str, nn.Linear], parameters: Tensors, inputs: Tensor, targets: Tensor
) -> tuple[Tensors, Tensors]:
    """δ (N, d_out) and a (N, d_in) by layer: gradients by zeros that are added to what the layers give."""
    weights = {name: parameters[f"{name}.weight"] for name in layers}
    zeros = {name: weight.new_zeros(len(inputs), weight.shape[0]) for name, weight in weights.items()}

    def loss(shifts: Tensors) -> tuple[Tensor, Tensors]:
        seen = Tensors()

        def shift(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Any]:
            def shifted(_: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
                seen[name] = given[0]
                return output + shifts[name]

            return shifted

        hooks = [layer.register_forward_hook(shift(name)) for name, layer in layers.items()]
        try:
            logits = functional.logits(parameters, inputs)
        finally:
            for hook in hooks:
                hook.remove()
        return functional.loss(logits, targets).sum(), seen

    deltas, seen = grad(loss, has_aux=True)(zeros)
    return deltas, seen
