"""The activations a model spec can name."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from schemas.models import Activation


class Mish(nn.Mish):
    """x tanh(log(1 + eˣ)), written out.

    PyTorch's own second derivative overflows to NaN where eˣ does: above 88 in float32, above 709 in float64. Written
    out it is finite everywhere, and on a CPU products of derivatives are faster.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (the name that PyTorch's modules give it)
        """Elementwise."""
        return input * nn.functional.softplus(input).tanh()


# PyTorch's softplus is x from 20 on, where it is 2e-9 too small; from 40 on that is exact in float64 as well, so that
# the function has all its derivatives.
MODULES: dict[Activation, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "mish": Mish,
    "silu": nn.SiLU,
    "softplus": partial(nn.Softplus, threshold=40),
}


def activation(name: Activation) -> nn.Module:
    """A new module of that activation."""
    return MODULES[name]()
