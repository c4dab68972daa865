"""Elementwise activations with their first two derivatives in closed form.

Autograd reaches φ′ and φ″ by several sweeps over memory each time; the fast paths take them once per example.
"""

from collections.abc import Callable
from math import pi, sqrt
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from workers.models.activations import Mish

_GELU_SCALE = sqrt(2 / pi)
_GELU_CUBIC = 0.044715  # both constants of the tanh form are PyTorch's


class Jet(NamedTuple):
    """An elementwise function at z, all of the shape of z.

    Attributes:
        value: φ(z).
        first: φ′(z).
        second: φ″(z); None where it vanishes identically, so that nothing need be multiplied by it.
    """

    value: Tensor
    first: Tensor
    second: Tensor | None


def supported(module: nn.Module) -> bool:
    """Whether `jet` knows this module. Subclasses are unknown: they may compute something else."""
    return type(module) in _JETS and not (isinstance(module, nn.Dropout) and module.training)


def jet(module: nn.Module, z: Tensor) -> Jet:
    """φ, φ′ and φ″ of an activation module at z, in the dtype of z.

    At kinks the derivatives are those that autograd takes: ReLU has φ′(0) = 0.

    Raises:
        KeyError: the module is not `supported`.
    """
    return _JETS[type(module)](module, z)


def chained(inner: Jet, module: nn.Module) -> Jet:
    """The activation after another function: (ψ∘φ)′ = ψ′φ′ and (ψ∘φ)″ = ψ″φ′² + ψ′φ″."""
    outer = jet(module, inner.value)
    terms = [
        *([] if outer.second is None else [outer.second * inner.first.square()]),
        *([] if inner.second is None else [outer.first * inner.second]),
    ]
    return Jet(outer.value, outer.first * inner.first, sum(terms[1:], terms[0]) if terms else None)


def _identity(_: nn.Module, z: Tensor) -> Jet:
    return Jet(z, torch.ones_like(z), None)


def _relu(_: nn.Module, z: Tensor) -> Jet:
    return Jet(z.relu(), (z > 0).to(z.dtype), None)


def _tanh(_: nn.Module, z: Tensor) -> Jet:
    t = z.tanh()
    first = 1 - t.square()
    return Jet(t, first, -2 * t * first)


def _sigmoid(_: nn.Module, z: Tensor) -> Jet:
    s = z.sigmoid()
    first = s * (-z).sigmoid()
    return Jet(s, first, first * (1 - 2 * s))


def _silu(_: nn.Module, z: Tensor) -> Jet:
    s, rest = z.sigmoid(), (-z).sigmoid()
    return Jet(z * s, s * (1 + z * rest), s * rest * (2 + z * (rest - s)))


def _softplus(module: nn.Softplus, z: Tensor) -> Jet:
    """log(1 + exp(βz))/β, which PyTorch replaces by z where βz is above the threshold."""
    scaled = module.beta * z
    linear = scaled > module.threshold
    s = scaled.sigmoid()
    return Jet(
        softplus(z, module.beta, module.threshold),
        s.masked_fill(linear, 1),
        (module.beta * s * (-scaled).sigmoid()).masked_fill(linear, 0),
    )


def _mish(_: nn.Module, z: Tensor) -> Jet:
    """z·t with t = tanh(log(1 + eᶻ)); t′ = (1 − t²)σ and t″ = t′(1 − σ − 2tσ)."""
    t, s = softplus(z).tanh(), z.sigmoid()
    slope = (1 - t.square()) * s
    return Jet(z * t, t + z * slope, slope * (2 + z * (1 - s - 2 * t * s)))


def _gelu(module: nn.GELU, z: Tensor) -> Jet:
    """zΦ(z) with the normal distribution's Φ, or with ½(1 + tanh(√(2/π)(z + 0.044715z³))) in its place."""
    if module.approximate == "none":
        below = 0.5 * torch.erfc(-z / sqrt(2))
        density = torch.exp(-0.5 * z.square()) / sqrt(2 * pi)
        return Jet(z * below, below + z * density, density * (2 - z.square()))
    square = z.square()
    t = torch.tanh(_GELU_SCALE * z * (1 + _GELU_CUBIC * square))
    inner = _GELU_SCALE * (1 + 3 * _GELU_CUBIC * square)  # and its derivative is 6·cubic·scale·z
    slope = 0.5 * (1 - t.square())
    bend = slope * (2 * inner + z * (6 * _GELU_CUBIC * _GELU_SCALE * z - 2 * t * inner.square()))
    return Jet(0.5 * z * (1 + t), 0.5 * (1 + t) + z * slope * inner, bend)


_JETS: dict[type[nn.Module], Callable[[Any, Tensor], Jet]] = {
    nn.Identity: _identity,
    nn.Dropout: _identity,
    nn.ReLU: _relu,
    nn.Tanh: _tanh,
    nn.Sigmoid: _sigmoid,
    nn.SiLU: _silu,
    nn.Softplus: _softplus,
    nn.Mish: _mish,
    Mish: _mish,
    nn.GELU: _gelu,
}
