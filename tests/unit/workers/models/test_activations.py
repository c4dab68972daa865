"""Values and derivatives of the activations against closed forms, where they are large too."""

from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.func import grad, jvp

from schemas.models import Activation
from workers.models.activations import activation


def second_order(name: Activation, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """φ, φ′ and φ″, forward over reverse as brackets take them."""
    module = activation(name)
    slope = grad(lambda x: module(x).sum())
    first, second = jvp(slope, (points,), (torch.ones_like(points),))
    return module(points), first, second


def mish(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    # tanh(log(1 + eˣ)) with eˣ in whichever direction does not overflow.
    e = (-x.abs()).exp()
    log = x.clamp(min=0) + e.log1p()
    s, t = torch.sigmoid(x), log.tanh()
    dt = (1 - t * t) * s
    ddt = (1 - t * t) * s * (1 - s) - 2 * t * dt * s
    return x * t, t + x * dt, 2 * dt + x * ddt


def softplus(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    s = torch.sigmoid(x)
    return x.clamp(min=0) + (-x.abs()).exp().log1p(), s, s * (1 - s)


def silu(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    s = torch.sigmoid(x)
    ds = s * (1 - s)
    return x * s, s + x * ds, 2 * ds + x * ds * (1 - 2 * s)


@pytest.mark.parametrize(("name", "closed"), [("mish", mish), ("softplus", softplus), ("silu", silu)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_derivatives_have_their_closed_forms(name: Activation, closed, dtype: torch.dtype) -> None:
    points = torch.cat([torch.linspace(-45, 45, 901), torch.tensor([-1e4, -800.0, -89.0, 89.0, 800.0, 1e4])])
    tight = 1e-14 if dtype == torch.float64 else 1e-6
    for found, expected in zip(second_order(name, points.to(dtype)), closed(points.double()), strict=True):
        torch.testing.assert_close(found.double(), expected, rtol=10 * tight, atol=tight)


@pytest.mark.parametrize("name", get_args(Activation))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_input_is_too_large(name: Activation, dtype: torch.dtype) -> None:
    points = torch.tensor([-1e9, -1e3, -100.0, 100.0, 1e3, 1e9], dtype=dtype)
    assert all(values.isfinite().all() for values in second_order(name, points))
