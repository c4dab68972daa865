"""A model at a checkpoint as a pure function of its parameters.

Axes: N examples, K outputs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import inf
from typing import Self

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _BatchNorm

from workers.errors import UserFault
from workers.losses import ExampleLoss
from workers.precision import doubled

DIFFERENCE_STEPS = (1e-6, 1e-5)
"""Of central differences in float64, relative to ‖θ‖."""

Tensors = dict[str, Tensor]
"""Parameters, gradients, directions or brackets by parameter name, in the model's order; extra axes go in front."""


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that make up θ, by name, in the model's order."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


@contextmanager
def plain_attention() -> Iterator[None]:
    """Keep attention away from fused kernels, which have neither second nor forward derivatives."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _length(tensors: Mapping[str, Tensor]) -> float:
    return float(torch.stack([tensor.norm() for tensor in tensors.values()]).norm())


@dataclass(frozen=True)
class Functional:
    """The model in eval mode; parameters and buffers are explicit, so that nothing is hidden or changed in place.

    Attributes:
        model: The module that gives the structure; its own parameters are not used.
        parameters: θ, the trainable ones, without autograd history.
        buffers: What is held fixed: BatchNorm's running statistics, parameters that do not require gradients.
        loss: (…, K), (…, K) → (…).
    """

    model: nn.Module
    parameters: Tensors
    buffers: Tensors
    loss: ExampleLoss

    @classmethod
    def of(cls, model: nn.Module, loss: ExampleLoss) -> Self:
        """Put `model` in eval mode and take its present parameters and buffers.

        Raises:
            UserFault: BatchNorm without running statistics, which couples the examples of a batch.
        """
        model.eval()
        for name, module in model.named_modules():
            if isinstance(module, _BatchNorm) and module.running_mean is None:
                raise UserFault(
                    f"brackets need BatchNorm with running statistics, {name!r} keeps none: "
                    "set track_running_stats=True"
                )
        frozen = {name: p.detach() for name, p in model.named_parameters() if not p.requires_grad}
        return cls(
            model=model,
            parameters={name: parameter.detach() for name, parameter in trainable(model).items()},
            buffers=frozen | {name: buffer.detach() for name, buffer in model.named_buffers()},
            loss=loss,
        )

    def double(self) -> "Functional":
        """The same function at the same point in float64."""
        return replace(
            self,
            parameters={name: tensor.double() for name, tensor in self.parameters.items()},
            buffers={
                name: tensor.double() if tensor.is_floating_point() else tensor
                for name, tensor in self.buffers.items()
            },
        )

    def logits(self, parameters: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """(N, *input_shape) → (N, K) at the given parameters."""
        with plain_attention():
            logits: Tensor = functional_call(self.model, (dict(parameters), self.buffers), (inputs,))
        return logits

    def example_loss(self, parameters: Mapping[str, Tensor], example: Tensor, target: Tensor) -> Tensor:
        """L of one example (*input_shape) with target (K,): a scalar."""
        return self.loss(self.logits(parameters, example.unsqueeze(0)).squeeze(0), target)

    def refuse_stopped_gradients(self, example: Tensor, target: Tensor) -> None:
        """Return, if the gradient at one example (*input_shape), (K,) is the derivative of its loss.

        Where a forward pass stops gradients or replaces them, as `detach` and straight-through estimators do, the
        field is no gradient, and products with its derivative would leave out what was stopped. The slope of the loss
        along the gradient is taken by central differences in float64, with two steps. Nothing is said where they
        differ, as at kinks, where the loss changes too little to tell, or where the model itself rounds to float32.

        Raises:
            UserFault: both steps agree on another slope.
        """
        double = self.double()
        point, example, target = double.parameters, doubled(example), target.double()
        try:
            gradient = grad(double.example_loss)(point, example, target)
            with torch.no_grad():
                z = double.logits(point, example.unsqueeze(0))
        except RuntimeError:  # some models run in float32 alone, and others are refused where products are taken
            return
        length, steps = _length(gradient), [step * max(1e-3, _length(point)) for step in DIFFERENCE_STEPS]
        rounding = torch.finfo(torch.float64).eps * float(z.abs().max() + double.loss(z[0], target).abs())
        if z.dtype != torch.float64 or not 1e4 * rounding < steps[0] * length < inf:
            return

        def slope(step: float) -> float:
            ahead, behind = (
                {name: tensor + sign * (step / length) * gradient[name] for name, tensor in point.items()}
                for sign in (1, -1)
            )
            with torch.no_grad():
                difference = double.example_loss(ahead, example, target) - double.example_loss(
                    behind, example, target
                )
            return float(difference) / (2 * step)

        first, second = map(slope, steps)
        if abs(first - second) < 1e-3 * length and abs(first - length) > 1e-2 * length:
            raise UserFault(
                "the model's gradients are not the derivatives of its loss: along one, the loss changes "
                f"{first / length:.3g} times as fast. Brackets need a forward pass without `detach`, `no_grad` or "
                "gradients of its own making"
            )

    def refuse_randomness(self, inputs: Tensor) -> None:
        """Run `inputs` twice and return, if the logits are bitwise equal.

        Raises:
            UserFault: they differ, so derivatives would belong to no fixed function.
        """
        with torch.no_grad():
            first, second = (self.logits(self.parameters, inputs) for _ in range(2))
        if not torch.equal(first, second) and not (first.isnan().any() or second.isnan().any()):
            raise UserFault(
                "the model gives different outputs for the same input in eval mode (dropout left on?): "
                "brackets need a deterministic model"
            )

    def refuse_coupling(self, inputs: Tensor) -> None:
        """Run `inputs` as one batch and one by one, and return, if the logits agree to a thousandth of the largest.

        Raises:
            UserFault: they do not, so that no example has a gradient of its own, or an example alone loses an axis.
        """
        with torch.no_grad():
            batch = self.logits(self.parameters, inputs)
            alone = torch.cat([self.logits(self.parameters, example) for example in torch.split(inputs, 1)])
        if alone.shape != batch.shape:
            raise UserFault(
                f"the model gives {len(inputs)} examples logits {tuple(batch.shape)}, and one by one "
                f"{tuple(alone.shape)}: keep the axis of examples when there is one of them, "
                "name the axis that `squeeze` takes"
            )
        if float((batch - alone).abs().max()) > 1e-3 * float(alone.abs().max()):
            raise UserFault(
                "the model gives an example other logits within a batch than alone: brackets need a loss that is a "
                "sum over examples; take out what couples them, such as a mean over the batch"
            )
