"""Any model: PyTorch's own autograd, for a single member as it is, for several under vmap.

Axes: L members of a lot, B examples of a batch, K outputs, S columns, n examples.
"""

from collections.abc import Mapping
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from schemas.optimizers import Rule
from workers.brackets.refusals import SIGNS, refusals
from workers.losses import ExampleLoss
from workers.replicas.stack.lots import Batch, Lot, Network, Scratch
from workers.replicas.stack.rows import Columns

REFUSED = (*SIGNS, "vmap: called random operation", "data-dependent")


class Generic:
    """Steps of a module in train mode, logits in eval mode."""

    name = "generic"

    def __init__(self, model: nn.Module, loss: ExampleLoss, columns: Columns) -> None:
        self.training, self.evaluation = model.train(), deepcopy(model).eval()
        self.loss, self.columns, self.scratch = loss, columns, Scratch(columns)

    def at(self, lot: Lot) -> Network:
        """The members of a lot."""
        return Alone(self, lot) if len(lot.rows) == 1 else Together(self, lot)

    def mean_loss(
        self, parameters: Mapping[str, Tensor], kept: Mapping[str, Tensor], inputs: Tensor, targets: Tensor
    ) -> Tensor:
        """Of one member on one batch: (B, *input_shape), (B, K) → scalar."""
        logits: Tensor = functional_call(self.training, {**parameters, **kept}, (inputs,))
        return self.loss(logits, targets).mean()

    def outputs(self, parameters: Mapping[str, Tensor], kept: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """Logits of one member in eval mode, (n, *input_shape) → (n, K)."""
        logits: Tensor = functional_call(self.evaluation, {**parameters, **kept}, (inputs,))
        return logits


class Alone:
    """A lot of one member."""

    def __init__(self, path: Generic, lot: Lot) -> None:
        self._path, self._lot = path, lot
        self._leaves = {name: tensor[0].detach().requires_grad_() for name, tensor in lot.parameters.items()}
        self._kept = {name: tensor[0] for name, tensor in lot.kept.items()}

    def gradients(self, batch: Batch, into: Tensor) -> Tensor:
        """See `Network`. A parameter that the loss does not depend on has gradient 0."""
        with torch.enable_grad():
            loss = self._path.mean_loss(self._leaves, self._kept, batch.inputs[0], batch.targets[0])
            found = torch.autograd.grad(loss, tuple(self._leaves.values()), allow_unused=True, materialize_grads=True)
        for view, gradient in zip(self._path.columns.views(into).values(), found, strict=True):
            view[0].copy_(gradient)
        return loss.detach().reshape(1)

    def step(self, batch: Batch, rule: Rule, slots: dict[str, Tensor], taken: int) -> Tensor:
        """See `Network`."""
        return self._path.scratch.step(self, self._lot, batch, rule, slots, taken)

    def logits(self, inputs: Tensor) -> Tensor:
        """See `Network`."""
        with torch.no_grad():
            return self._path.outputs(self._leaves, self._kept, inputs).unsqueeze(0)


class Together:
    """A lot of several members."""

    def __init__(self, path: Generic, lot: Lot) -> None:
        self._path, self._lot = path, lot
        self._gradients = vmap(grad_and_value(path.mean_loss), randomness="error")
        self._outputs = vmap(path.outputs, in_dims=(0, 0, None), randomness="error")

    def gradients(self, batch: Batch, into: Tensor) -> Tensor:
        """See `Network`."""
        # Under vmap, BatchNorm writes into a flattened copy of running statistics that are not contiguous.
        kept = {name: tensor.contiguous() for name, tensor in self._lot.kept.items()}
        found, losses = self._gradients(self._lot.parameters, kept, batch.inputs, batch.targets)
        for name, tensor in self._lot.kept.items():
            tensor.copy_(kept[name])
        for name, view in self._path.columns.views(into).items():
            view.copy_(found[name])
        means: Tensor = losses.detach()
        return means

    def step(self, batch: Batch, rule: Rule, slots: dict[str, Tensor], taken: int) -> Tensor:
        """See `Network`."""
        return self._path.scratch.step(self, self._lot, batch, rule, slots, taken)

    def logits(self, inputs: Tensor) -> Tensor:
        """See `Network`."""
        with torch.no_grad():
            logits: Tensor = self._outputs(self._lot.parameters, self._lot.kept, inputs)
        return logits


def refuse_unbatchable(path: Generic, pair: Lot, batch: Batch) -> None:
    """Try a gradient of two members under vmap and return, if PyTorch can take it.

    A model that is refused on a GPU is refused on a CPU too, where members stand alone: what a spec gives may not
    depend on the machine. Random operations are refused since a member's draws would depend on the other members'.

    Args:
        path: With the model to try.
        pair: A copy of two members; its buffers are changed.
        batch: For both.

    Raises:
        UserFault: PyTorch cannot.
    """
    needs = (
        "replicas need a model that torch.func can batch over members, "
        "without random operations (dropout) or branches on values"
    )
    with refusals(needs, REFUSED):
        Together(path, pair).gradients(batch, torch.zeros_like(pair.rows))
