"""Small modules for tests of paths, made so that each shows one thing."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Made(nn.Module):
    """A forward pass written as a function of the module and its input."""

    def __init__(self, forward: Callable[[Any, Tensor], Tensor], **members: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.function = forward
        for name, member in members.items():
            setattr(self, name, member)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.function(self, inputs)


class Attention(nn.Module):
    """x + softmax(q kᵀ) v of the normed x."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value = nn.Linear(width, width, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        normed = self.norm(features)
        weights = (self.query(normed) @ self.key(normed).mT / 2).softmax(-1)
        return features + weights @ self.value(normed)


class Residual(nn.Module):
    """Two convolutions with BatchNorm beside an average pool, summed in place; a max-pool and a 1×1 convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.Conv2d(4, 4, 3, 2, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(4) for _ in range(2))
        self.third, self.head = nn.Conv2d(4, 6, 1), nn.Linear(6, 3)

    def forward(self, maps: Tensor) -> Tensor:
        maps = functional.mish(self.norms[0](self.first(maps)))
        branch = self.norms[1](self.second(maps))
        branch += functional.avg_pool2d(maps, 2)
        pooled = functional.max_pool2d(functional.silu(branch, inplace=True), 2)
        return self.head(torch.tanh(self.third(pooled)).mean((2, 3)))


def with_statistics(model: nn.Module, seed: int = 5) -> nn.Module:
    """In float64, with BatchNorm's statistics and gains as a run would leave them: not 0 and 1."""
    draw = torch.Generator().manual_seed(seed)
    model = model.double().eval()
    for buffer in model.buffers():
        if buffer.is_floating_point():
            buffer.copy_(torch.rand(buffer.shape, generator=draw) + 0.5)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.LayerNorm) and module.weight is not None:
            with torch.no_grad():
                module.weight.add_(0.3 * torch.randn(module.weight.shape, generator=draw))
    return model
