"""Initial parameters by a named rule, whatever the layers are.

| parameter | `kaiming_normal` | `kaiming_sphere` |
|---|---|---|
| weight of a linear layer or a convolution | N(0, 2/fan_in) | uniform on the sphere of radius √(numel · 2/fan_in) |
| embedding (tokens, positions) | N(0, 1) | uniform on the sphere of radius √numel |
| weight and bias of a norm | 1 and 0 | 1 and 0 |
| other biases | 0 | 0 |

An embedding looks one row up and sums nothing, so that unit variance is kept by unit variance; PyTorch does the same.
The factor 2 is that of ReLU for every activation. `pytorch` leaves each layer as its constructor drew it.
"""

from math import sqrt
from typing import assert_never

import torch
from torch import Tensor, nn

from schemas.models import Initialisation
from workers.models.mxresnet import Residual


@torch.no_grad()
def initialise(model: nn.Module, rule: Initialisation) -> None:
    """Draw the parameters of `model` anew, in its order, from PyTorch's global generator; `pytorch` draws nothing."""
    match rule:
        case "pytorch":
            return
        case "kaiming_normal" | "kaiming_sphere":
            sphere = rule == "kaiming_sphere"
        case _:
            assert_never(rule)
    for module in model.modules():
        match module:
            case nn.Linear() | nn.Conv2d():
                _draw(module.weight, sqrt(2 / module.weight[0].numel()), sphere)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            case nn.Embedding():
                _draw(module.weight, 1.0, sphere)
            case _:
                pass  # norms start as the identity; nothing else in the zoo has parameters


@torch.no_grad()
def zero_last_norms(model: nn.Module) -> None:
    """Let every residual branch of `model` add nothing: the weight of its last BatchNorm is 0."""
    for module in model.modules():
        if isinstance(module, Residual):
            nn.init.zeros_(module.last_gain)


def _draw(weight: Tensor, deviation: float, sphere: bool) -> None:
    """N(0, deviation²) per element; on the sphere, the same direction with the norm √numel · deviation exactly."""
    nn.init.normal_(weight, std=deviation)
    if sphere:
        norm = torch.linalg.vector_norm(weight, dtype=torch.float64)
        weight.copy_(weight.double() * (sqrt(weight.numel()) * deviation / norm))
