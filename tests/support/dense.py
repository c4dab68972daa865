"""Slow, obviously right references in float64: whole Hessian matrices by reverse over reverse."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call


@dataclass(frozen=True)
class Dense:
    """Losses, gradients (N, P) and Hessians (N, P, P) of every example, over the flattened parameters."""

    losses: Tensor
    gradients: Tensor
    hessians: Tensor
    sizes: list[int]

    def bracket(self, a: int, b: int) -> Tensor:
        """[v_a, v_b] = H_b g_a − H_a g_b."""
        return self.hessians[b] @ self.gradients[a] - self.hessians[a] @ self.gradients[b]


def unflatten(model: nn.Module, theta: Tensor) -> dict[str, Tensor]:
    """θ as named parameters."""
    named = list(model.named_parameters())
    parts = theta.split([parameter.numel() for _, parameter in named])
    return {name: part.reshape(parameter.shape) for (name, parameter), part in zip(named, parts, strict=True)}


def flatten(model: nn.Module) -> Tensor:
    """The model's θ as one vector."""
    return torch.cat([parameter.detach().reshape(-1) for parameter in model.parameters()])


def logits(model: nn.Module, theta: Tensor, inputs: Tensor) -> Tensor:
    """z at θ, (N, K)."""
    return functional_call(model, unflatten(model, theta), (inputs,))


def dense(model: nn.Module, loss, inputs: Tensor, targets: Tensor) -> Dense:
    """Every first and second derivative of a float64 model, one example at a time."""
    model.eval()
    theta = flatten(model)
    losses, gradients, hessians = [], [], []
    for example, target in zip(inputs, targets, strict=True):

        def at(theta: Tensor, example: Tensor = example, target: Tensor = target) -> Tensor:
            return loss(logits(model, theta, example[None])[0], target)

        losses.append(at(theta))
        gradients.append(torch.autograd.functional.jacobian(at, theta))
        hessians.append(torch.autograd.functional.hessian(at, theta))
    sizes = [parameter.numel() for parameter in model.parameters()]
    return Dense(torch.stack(losses), torch.stack(gradients), torch.stack(hessians), sizes)
