"""Multilayer perceptrons."""

from itertools import pairwise
from math import prod

from torch import nn

from schemas.models import Mlp
from schemas.widths import widths
from workers.models.activations import activation


def mlp(spec: Mlp, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Linear layers with the activation between them, on flattened inputs: (N, *input_shape) → (N, outputs)."""
    inputs = prod(input_shape)
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in pairwise((inputs, *widths(spec, inputs, outputs), outputs)):
        if len(layers) > 1:
            layers.append(activation(spec.activation))
        layers.append(nn.Linear(fan_in, fan_out, bias=spec.bias))
    return nn.Sequential(*layers)
