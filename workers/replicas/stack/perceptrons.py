"""Multilayer perceptrons by hand-written products: forward, backward, and plain SGD as part of the last product.

Axes: L members of a lot, B examples of a batch, d units of a layer, K outputs, S columns, n examples.

A layer is z = a Wᵀ + b. With δ = ∂ loss / ∂ z, its gradients are δᵀ a and Σ_B δ, and δ W goes on to the layer before.
Nothing is allocated but in the loss; what a member writes stays in the caches until its weights have moved.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from schemas.models import Mlp
from schemas.optimizers import Sgd
from workers.losses import ExampleLoss, cross_entropy
from workers.replicas.stack.activations import ELEMENTWISE
from workers.replicas.stack.lots import Lot, Network, Scratch
from workers.replicas.stack.rows import Columns
from workers.replicas.stack.rules import Rule


class Layer(NamedTuple):
    """Weights (L, d, d_before) and biases (L, 1, d), or their gradients."""

    weight: Tensor
    bias: Tensor | None


@dataclass(frozen=True)
class Workspace:
    """Memory of a pass over batches of one size.

    Attributes:
        z: Of each layer, (L, B, d).
        a: Values of the hidden layers, (L, B, d); the memory of z where the activation allows.
        deltas: Of each layer, (L, B, d).
        ones: (L, 1, B).
    """

    z: list[Tensor]
    a: list[Tensor]
    deltas: list[Tensor]
    ones: Tensor


class Perceptrons:
    """The path of `schemas.models.Mlp`, at any activation and loss."""

    name = "perceptrons"

    def __init__(self, spec: Mlp, loss: ExampleLoss, columns: Columns) -> None:
        self.activation = ELEMENTWISE[spec.activation]
        self.loss, self.columns, self.scratch = loss, columns, Scratch(columns)
        self.names = [name.removesuffix(".weight") for name in columns.shapes if name.endswith(".weight")]
        self._workspaces: dict[int, Workspace] = {}

    def at(self, lot: Lot) -> Network:
        """The members of a lot."""
        return Members(self, lot)

    def layers(self, tensors: dict[str, Tensor]) -> list[Layer]:
        """Tensors by parameter name as layers."""
        biases = [tensors.get(f"{name}.bias") for name in self.names]
        return [
            Layer(tensors[f"{name}.weight"], None if bias is None else bias.unsqueeze(1))
            for name, bias in zip(self.names, biases, strict=True)
        ]

    def workspace(self, layers: list[Layer], B: int) -> Workspace:
        """Memory for batches of B examples; kept, since a run has few sizes."""
        if B not in self._workspaces:
            L, weights = len(layers[0].weight), [layer.weight for layer in layers]
            z, deltas = ([weight.new_empty(L, B, weight.shape[1]) for weight in weights] for _ in range(2))
            a = z[:-1] if self.activation.overwrites else [torch.empty_like(tensor) for tensor in z[:-1]]
            self._workspaces[B] = Workspace(z, a, deltas, weights[0].new_ones(L, 1, B))
        return self._workspaces[B]


class Members:
    """The networks of a lot."""

    def __init__(self, path: Perceptrons, lot: Lot) -> None:
        self._path, self._lot = path, lot
        self._layers = path.layers(lot.parameters)
        self._transposed = [layer.weight.mT for layer in self._layers]

    def gradients(self, inputs: Tensor, targets: Tensor, into: Tensor) -> Tensor:
        """See `Network`."""
        layers = self._path.layers(self._path.columns.views(into))
        return self._pass(inputs, targets, layers, keep=0.0, scale=1.0)

    def step(self, inputs: Tensor, targets: Tensor, rule: Rule, slots: dict[str, Tensor], taken: int) -> Tensor:
        """See `Network`.

        Plain SGD needs no gradient: θ ← (1 − lr · weight_decay) θ − lr δᵀ a is one product with θ in its place, so
        that it rounds once where `rules` rounds several times.
        """
        if isinstance(rule, Sgd) and not rule.momentum:
            return self._pass(inputs, targets, self._layers, keep=1 - rule.lr * rule.weight_decay, scale=-rule.lr)
        return self._path.scratch.step(self, self._lot, inputs, targets, rule, slots, taken)

    def logits(self, inputs: Tensor) -> Tensor:
        """See `Network`."""
        L = len(self._layers[0].weight)
        z = inputs.flatten(1).expand(L, len(inputs), -1)
        for place, (layer, transposed) in enumerate(zip(self._layers, self._transposed, strict=True)):
            a = z
            if place:
                self._path.activation.forward(z, a := torch.empty_like(z))
            z = a @ transposed if layer.bias is None else torch.baddbmm(layer.bias, a, transposed)
        return z

    def _pass(self, inputs: Tensor, targets: Tensor, into: list[Layer], keep: float, scale: float) -> Tensor:
        """Forward and backward; `into` ← keep · into + scale · gradient of the batch mean; the mean losses, (L,)."""
        space = self._path.workspace(self._layers, inputs.shape[1])
        a = [inputs.flatten(2), *space.a]
        for place, (layer, transposed) in enumerate(zip(self._layers, self._transposed, strict=True)):
            z = space.z[place]
            if layer.bias is None:
                torch.bmm(a[place], transposed, out=z)
            else:
                torch.baddbmm(layer.bias, a[place], transposed, out=z)
            if place < len(space.a):
                self._path.activation.forward(z, space.a[place])
        losses, scale = self._output(targets, space.z[-1], space.deltas[-1], scale)
        for place in reversed(range(len(self._layers))):
            delta = space.deltas[place]
            if place:
                before = torch.bmm(delta, self._layers[place].weight, out=space.deltas[place - 1])
                self._path.activation.backward(before, space.z[place - 1], a[place])
            weight, bias = into[place]
            weight.baddbmm_(delta.mT, a[place], beta=keep, alpha=scale)
            if bias is not None:
                bias.baddbmm_(space.ones, delta, beta=keep, alpha=scale)
        return losses

    def _output(self, targets: Tensor, logits: Tensor, delta: Tensor, scale: float) -> tuple[Tensor, float]:
        """The mean losses (L,); in `delta` their gradients in the logits, but for a factor that joins `scale`."""
        B = targets.shape[1]
        if self._path.loss is cross_entropy:
            # ∂/∂z (−Σ t log softmax(z)) = softmax(z) Σ t − t, and one-hot targets sum to 1.
            logarithms = torch.log_softmax(logits, -1)
            torch.sub(torch.exp(logarithms, out=delta), targets, out=delta)
            return -(logarithms.mul_(targets).sum((1, 2), dtype=torch.float64) / B), scale / B
        with torch.enable_grad():
            leaf = logits.detach().requires_grad_()
            losses = self._path.loss(leaf, targets)
            [gradient] = torch.autograd.grad(losses.sum(), leaf)
        delta.copy_(gradient)
        return losses.detach().mean(1, dtype=torch.float64), scale / B
