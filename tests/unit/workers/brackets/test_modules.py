"""Modules as labs write them: shared, frozen, unused, empty and 0-dimensional parameters, attention, one output."""

from itertools import combinations

import pytest
import torch
from torch import Tensor, nn

from tests.support.tiles import tile_of
from workers.brackets.functional import Functional
from workers.brackets.paths.generic import Generic
from workers.losses import binary_cross_entropy_mean, cross_entropy

N, WIDTH = 4, 3


class Shared(nn.Module):
    """One weight in two layers, and one frozen bias in two others."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.second.weight = self.first.weight
        self.third.bias = self.second.bias
        self.third.bias.requires_grad_(False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.third(torch.tanh(self.second(torch.tanh(self.first(inputs)))))


class Odd(nn.Module):
    """A parameter that is not used, two that are empty, and one without an axis."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(WIDTH, WIDTH), nn.Linear(2, 2)
        self.empty, self.flat = nn.Parameter(torch.zeros(0)), nn.Parameter(torch.zeros(2, 0))
        self.scale = nn.Parameter(torch.tensor(0.7))

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.tanh(self.used(inputs)) * self.scale


class Attention(nn.Module):
    """Goes through fused kernels, unless they are switched off."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Linear(1, 4), nn.Linear(4, WIDTH)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, inputs: Tensor) -> Tensor:
        tokens = self.embed(inputs.unsqueeze(-1))
        mixed, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        return self.head(mixed.mean(1))


def whole(functional: Functional, example: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient and Hessian of one example over the flattened trainable parameters, by reverse over reverse."""
    sizes = [parameter.numel() for parameter in functional.parameters.values()]

    def at(theta: Tensor) -> Tensor:
        parts = zip(functional.parameters.items(), theta.split(sizes), strict=True)
        return functional.example_loss({n: part.reshape(p.shape) for (n, p), part in parts}, example, target)

    theta = torch.cat([parameter.reshape(-1) for parameter in functional.parameters.values()])
    return torch.autograd.functional.jacobian(at, theta), torch.autograd.functional.hessian(at, theta)


@pytest.mark.parametrize("micro", [1, 3])
@pytest.mark.parametrize(
    ("make", "loss"),
    [
        (Shared, cross_entropy),
        (Odd, cross_entropy),
        (Attention, cross_entropy),
        (lambda: nn.Sequential(nn.Linear(WIDTH, 4), nn.Tanh(), nn.Linear(4, 1)), binary_cross_entropy_mean),
    ],
    ids=["shared", "odd", "attention", "one-output"],
)
def test_brackets_agree_with_whole_hessians(make, loss, micro: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        functional = Functional.of(make().double(), loss)
        inputs = torch.randn(N, WIDTH, dtype=torch.float64)
        targets = torch.rand(functional.logits(functional.parameters, inputs).shape, dtype=torch.float64)
    pairs = list(combinations(range(N), 2))
    found = tile_of(Generic(functional), inputs, targets, micro=micro, tests=inputs[:2], kept=pairs)
    tile = found.tile
    derivatives = [whole(functional, inputs[x], targets[x]) for x in range(N)]
    for place, (a, b) in enumerate(pairs):
        (g_a, H_a), (g_b, H_b) = derivatives[a], derivatives[b]
        expected = H_b @ g_a - H_a @ g_b
        torch.testing.assert_close(found.kept[a, b], expected, rtol=1e-8, atol=1e-12)
        torch.testing.assert_close(tile.sums.squares[place].sum(), expected @ expected, rtol=1e-8, atol=1e-12)
        torch.testing.assert_close(tile.sums.dot_y[place], expected @ g_b, rtol=1e-8, atol=1e-12)
    assert tile.logits is not None
    assert tile.logits.isfinite().all()
