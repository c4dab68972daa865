"""Multilayer perceptrons by hand-written products: forward, backward, and plain SGD as part of the last product.

Axes: L members of a lot, B examples of a batch, d units of a layer, K outputs, S columns, n examples.

A layer is z = W a + b, with the examples as columns. With δ = ∂ loss / ∂ z its gradients are δ aᵀ and Σ_B δ, and Wᵀ δ
goes on to the layer before. Nothing is allocated but in the loss, and a member's weights stay in the caches from the
forward product until they have moved.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor

from schemas.models import Mlp
from schemas.optimizers import Rule, Sgd
from workers.losses import ExampleLoss, cross_entropy
from workers.replicas.stack.activations import ELEMENTWISE
from workers.replicas.stack.lots import Batch, Lot, Network, Scratch
from workers.replicas.stack.rows import Columns


class Layer(NamedTuple):
    """Weights (L, d, d_before) and biases (L, d, 1), or their gradients."""

    weight: Tensor
    bias: Tensor | None


class Values(NamedTuple):
    """Numbers of a layer for every example, (L, d, B), and the same memory as (L, B, d)."""

    across: Tensor
    along: Tensor

    @classmethod
    def of(cls, across: Tensor) -> Self:
        """Numbers (L, d, B) both ways."""
        return cls(across, across.mT)


@dataclass(frozen=True)
class Workspace:
    """Memory of a pass over batches of one size.

    Attributes:
        z: Of each layer.
        a: Of the hidden layers; the memory of z where the activation allows.
        deltas: Of each layer.
        ones: (L, B, 1).
    """

    z: list[Tensor]
    a: list[Values]
    deltas: list[Tensor]
    ones: Tensor


class Perceptrons:
    """The path of `schemas.models.Mlp`, at any activation and loss."""

    name = "perceptrons"

    def __init__(self, spec: Mlp, loss: ExampleLoss, columns: Columns) -> None:
        self.activation = ELEMENTWISE[spec.activation]
        self.loss, self.columns, self.scratch = loss, columns, Scratch(columns)
        self._names = [name.removesuffix(".weight") for name in columns.shapes if name.endswith(".weight")]
        self._workspaces: dict[int, Workspace] = {}

    def at(self, lot: Lot) -> Network:
        """The members of a lot."""
        return Members(self, lot)

    def layers(self, rows: Tensor) -> list[Layer]:
        """Rows (L, S) of parameters, gradients or slots as layers."""
        views = self.columns.views(rows)
        biases = [views.get(f"{name}.bias") for name in self._names]
        return [
            Layer(views[f"{name}.weight"], None if bias is None else bias.unsqueeze(2))
            for name, bias in zip(self._names, biases, strict=True)
        ]

    def workspace(self, layers: list[Layer], B: int) -> Workspace:
        """Memory for batches of B examples; kept, since a run has few sizes."""
        if B not in self._workspaces:
            L, weights = len(layers[0].weight), [layer.weight for layer in layers]
            z, deltas = ([weight.new_empty(L, weight.shape[1], B) for weight in weights] for _ in range(2))
            a = z[:-1] if self.activation.overwrites else [torch.empty_like(tensor) for tensor in z[:-1]]
            self._workspaces[B] = Workspace(z, [Values.of(tensor) for tensor in a], deltas, z[0].new_ones(L, B, 1))
        return self._workspaces[B]


class Members:
    """The networks of a lot."""

    def __init__(self, path: Perceptrons, lot: Lot) -> None:
        self._path, self._lot = path, lot
        self._layers = path.layers(lot.rows)
        self._transposed = [layer.weight.mT for layer in self._layers]
        self._known: dict[int, list[Layer]] = {}

    def gradients(self, batch: Batch, into: Tensor) -> Tensor:
        """See `Network`."""
        return self._pass(batch, self._as_layers(into), keep=0.0, scale=1.0)

    def step(self, batch: Batch, rule: Rule, slots: dict[str, Tensor], taken: int) -> Tensor:
        """See `Network`.

        Plain SGD needs no gradient: θ ← θ − lr δ aᵀ is one product with θ in its place, so that it rounds once where
        `rules` rounds several times. Heavy-ball momentum takes its product likewise. Plain SGD with weight decay does
        not: a factor 1 − lr · weight_decay on θ is 1 in float32 where decay is slow, and would be none at all.
        """
        if not isinstance(rule, Sgd) or rule.nesterov or (rule.weight_decay and not rule.momentum):
            return self._path.scratch.step(self, self._lot, batch, rule, slots, taken)
        if not rule.momentum:
            return self._pass(batch, self._layers, keep=1.0, scale=-rule.lr)
        rows, buffer = self._lot.rows, slots["momentum_buffer"]
        keep, scale = (rule.momentum, 1 - rule.dampening) if taken else (0.0, 1.0)
        losses = self._pass(batch, self._as_layers(buffer), keep, scale)
        if rule.weight_decay:
            buffer.add_(rows, alpha=scale * rule.weight_decay)
        rows.add_(buffer, alpha=-rule.lr)
        return losses

    def logits(self, inputs: Tensor) -> Tensor:
        """See `Network`."""
        L = len(self._layers[0].weight)
        z = inputs.flatten(1).T.expand(L, -1, len(inputs))
        for place, (weight, bias) in enumerate(self._layers):
            a = z
            if place:
                self._path.activation.forward(z, a := torch.empty_like(z))
            z = weight @ a if bias is None else torch.baddbmm(bias, weight, a)
        return z.mT.contiguous()

    def _pass(self, batch: Batch, into: list[Layer], keep: float, scale: float) -> Tensor:
        """Forward and backward; `into` ← keep · into + scale · gradient of the batch mean; the mean losses, (L,)."""
        space = self._path.workspace(self._layers, batch.flat.shape[1])
        a = [Values(batch.across, batch.flat), *space.a]
        for place, (weight, bias) in enumerate(self._layers):
            z = space.z[place]
            if bias is None:
                torch.bmm(weight, a[place].across, out=z)
            else:
                torch.baddbmm(bias, weight, a[place].across, out=z)
            if place < len(space.a):
                self._path.activation.forward(z, space.a[place].across)
        losses = self._output(batch, space.z[-1], space.deltas[-1])
        scale /= batch.flat.shape[1]
        for place in reversed(range(len(self._layers))):
            delta = space.deltas[place]
            if place:
                before = torch.bmm(self._transposed[place], delta, out=space.deltas[place - 1])
                self._path.activation.backward(before, space.z[place - 1], space.a[place - 1].across)
            weight, bias = into[place]
            weight.baddbmm_(delta, a[place].along, beta=keep, alpha=scale)
            if bias is not None:
                bias.baddbmm_(delta, space.ones, beta=keep, alpha=scale)
        return losses

    def _output(self, batch: Batch, logits: Tensor, delta: Tensor) -> Tensor:
        """The mean losses (L,); in `delta` the gradients of the single losses in the logits, (L, K, B)."""
        L, B = len(logits), logits.shape[2]
        if self._path.loss is cross_entropy:
            # ∂/∂z (−Σ t log softmax(z)) = softmax(z) Σ t − t, and one-hot targets sum to 1.
            logarithms, targets = torch.log_softmax(logits, 1), batch.targets_across
            torch.sub(torch.exp(logarithms, out=delta), targets, out=delta)
            return torch.bmm(logarithms.view(L, 1, -1), targets.view(L, -1, 1)).view(L) / -B
        with torch.enable_grad():
            leaf = logits.detach().requires_grad_()
            losses = self._path.loss(leaf.mT, batch.targets)
            [gradient] = torch.autograd.grad(losses.sum(), leaf)
        delta.copy_(gradient)
        return losses.detach().mean(1)

    def _as_layers(self, rows: Tensor) -> list[Layer]:
        """Rows of gradients or slots as layers, remembered: their memory is the same at every step."""
        # The views keep the memory, so that no other rows can have its address.
        found = self._known.get(rows.data_ptr())
        if found is None:
            found = self._known[rows.data_ptr()] = self._path.layers(rows)
        return found
