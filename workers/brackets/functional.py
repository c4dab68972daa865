"""A model at a checkpoint as a pure function of its parameters.

Axes: N examples, K outputs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _BatchNorm

from workers.errors import UserFault
from workers.losses import ExampleLoss

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
