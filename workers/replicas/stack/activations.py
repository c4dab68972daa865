"""Activations and their backward passes, written over memory that is used again.

Axes: … any shape.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from schemas.models import Activation

_aten = torch.ops.aten


@dataclass(frozen=True)
class Elementwise:
    """φ, and its transposed derivative.

    Attributes:
        forward: Writes φ(z) to its second argument; they may be one tensor only if `overwrites`.
        backward: Given δ, z and φ(z), writes δ · φ′(z) over δ.
        overwrites: Whether `backward` does without z, so that φ(z) may stand in its place.
    """

    forward: Callable[[Tensor, Tensor], object]
    backward: Callable[[Tensor, Tensor, Tensor], object]
    overwrites: bool


def _mish_backward(delta: Tensor, z: Tensor, value: Tensor) -> None:
    """φ = z tanh(s), s = log(1 + eᶻ): φ′ = tanh(s) + z (1 − tanh²(s)) σ(z)."""
    slope = functional.softplus(z).tanh_()
    delta.mul_(torch.addcmul(slope, z.sigmoid(), slope.square().neg_().add_(1).mul_(z)))


ELEMENTWISE: dict[Activation, Elementwise] = {
    "relu": Elementwise(
        lambda z, into: torch.clamp_min(z, 0, out=into),
        lambda delta, z, value: _aten.threshold_backward.grad_input(delta, value, 0, grad_input=delta),
        overwrites=True,
    ),
    "tanh": Elementwise(
        lambda z, into: torch.tanh(z, out=into),
        lambda delta, z, value: _aten.tanh_backward.grad_input(delta, value, grad_input=delta),
        overwrites=True,
    ),
    "gelu": Elementwise(
        lambda z, into: _aten.gelu.out(z, out=into),
        lambda delta, z, value: _aten.gelu_backward.grad_input(delta, z, grad_input=delta),
        overwrites=False,
    ),
    "silu": Elementwise(
        lambda z, into: _aten.silu.out(z, out=into),
        lambda delta, z, value: _aten.silu_backward.grad_input(delta, z, grad_input=delta),
        overwrites=False,
    ),
    "softplus": Elementwise(
        lambda z, into: _aten.softplus.out(z, 1, 40, out=into),
        lambda delta, z, value: _aten.softplus_backward.grad_input(delta, z, 1, 40, grad_input=delta),
        overwrites=False,
    ),
    "mish": Elementwise(
        lambda z, into: torch.mul(functional.softplus(z).tanh_(), z, out=into), _mish_backward, overwrites=False
    ),
}
"""The activations of `workers.models.activations`, with the same thresholds."""
