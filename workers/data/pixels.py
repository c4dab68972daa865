"""Stored pixels that become inputs when they are read.

Axes: N examples, C channels, H rows, W columns.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pixels:
    """Images (N, C, H, W) in one byte per value; indexing gives inputs, as indexing a tensor of them would.

    An input is (pixel / 255 − mean) / std, computed in float64 and cast to `dtype`. Kept as bytes, a split takes a
    quarter of the memory of its inputs in float32: 2 GB in place of 8 for CelebA's training split at 64×64.

    Attributes:
        stored: (N, C, H, W) uint8.
        mean: Of each channel, (C, 1, 1) float64.
        std: Of each channel, (C, 1, 1) float64.
        dtype: Type of the inputs.
    """

    stored: Tensor
    mean: Tensor
    std: Tensor
    dtype: torch.dtype

    def __getitem__(self, index: int | slice | Tensor) -> Tensor:
        return ((self.stored[index].double() / 255 - self.mean) / self.std).to(self.dtype)

    def __len__(self) -> int:
        return len(self.stored)

    @property
    def shape(self) -> torch.Size:
        """(N, C, H, W)."""
        return self.stored.shape

    @property
    def device(self) -> torch.device:
        """Where the pixels are, and the inputs will be."""
        return self.stored.device

    def to(self, device: torch.device, dtype: torch.dtype) -> "Pixels":
        """The same images on `device`, with inputs of type `dtype`."""
        return Pixels(self.stored.to(device), self.mean.to(device), self.std.to(device), dtype)
