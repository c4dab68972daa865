"""Small multilayer perceptrons of every kind, with examples."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, nn

from tests.support.dense import Dense, dense
from workers.brackets.functional import Functional
from workers.losses.functions import (
    ExampleLoss,
    binary_cross_entropy_mean,
    binary_cross_entropy_sum,
    cross_entropy,
    squared_error_mean,
    squared_error_sum,
)

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "mish": nn.Mish,
    "gelu": nn.GELU,
    "gelu-tanh": lambda: nn.GELU(approximate="tanh"),
}
LOSSES: dict[str, ExampleLoss] = {
    "softmax": cross_entropy,
    "bce-mean": binary_cross_entropy_mean,
    "bce-sum": binary_cross_entropy_sum,
    "squares-mean": squared_error_mean,
    "squares-sum": squared_error_sum,
}


@dataclass(frozen=True)
class Perceptron:
    """A network at a point, and examples."""

    model: nn.Module
    loss: ExampleLoss
    inputs: Tensor
    targets: Tensor

    @property
    def functional(self) -> Functional:
        return Functional.of(self.model, self.loss)

    @property
    def reference(self) -> Dense:
        return dense(self.model, self.loss, self.inputs, self.targets)

    def to(self, dtype: torch.dtype) -> "Perceptron":
        """The same point and examples, rounded."""
        return replace(
            self, model=deepcopy(self.model).to(dtype), inputs=self.inputs.to(dtype), targets=self.targets.to(dtype)
        )


def linear_layers(
    widths: tuple[int, ...], activation: Callable[[], nn.Module] = nn.Tanh, bias: bool = True
) -> nn.Sequential:
    """Flatten, then Linear layers of these widths with the activation between them."""
    layers: list[nn.Module] = [nn.Flatten()]
    for place, (fan_in, fan_out) in enumerate(pairwise(widths)):
        layers += [activation()] * (place > 0) + [nn.Linear(fan_in, fan_out, bias=bias)]
    return nn.Sequential(*layers)


def perceptron(
    widths: tuple[int, ...] = (6, 5, 4, 3),
    activation: str = "tanh",
    loss: str = "softmax",
    *,
    bias: bool = True,
    N: int = 5,
    seed: int = 0,
) -> Perceptron:
    """A network in float64 and N examples of one-hot labels, all drawn from `seed`."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = linear_layers(widths, ACTIVATIONS[activation], bias).double()
        inputs = torch.randn(N, widths[0], dtype=torch.float64)
        targets = torch.eye(widths[-1], dtype=torch.float64)[torch.arange(N) % widths[-1]]
    return Perceptron(model, LOSSES[loss], inputs, targets)
