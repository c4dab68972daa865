"""The activations a model spec can name."""

from torch import nn

from schemas.models import Activation

MODULES: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "mish": nn.Mish,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
}


def activation(name: Activation) -> nn.Module:
    """A new module of that activation."""
    return MODULES[name]()
