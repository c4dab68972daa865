"""Means over positions: plain ones, since adaptive pooling is not deterministic on CUDA."""

from torch import Tensor, nn

PADDING = 0
"""The token id that stands for no token."""


class GlobalAveragePool(nn.Module):
    """(N, channels, height, width) → (N, channels)."""

    def forward(self, maps: Tensor) -> Tensor:
        """The mean over height and width."""
        return maps.mean((-2, -1))


class TokenMean(nn.Module):
    """(N, L, width), (N, L) → (N, width): the mean over the positions that hold a token, 0 where none does."""

    def forward(self, features: Tensor, present: Tensor | None) -> Tensor:
        """`present` is true where there is a token; without it all positions count."""
        if present is None:
            return features.mean(1)
        weights = present.to(features.dtype).unsqueeze(-1)
        # A count of at least one: a text of padding alone has mean 0 and not 0/0.
        return (features * weights).sum(1) / weights.sum(1).clamp(min=1)
