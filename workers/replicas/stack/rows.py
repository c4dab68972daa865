"""Tensors of all members side by side in one matrix: a member is a row, a tensor is a stretch of columns.

Axes: R members, S columns.

Every member and every tensor starts at a multiple of 64 bytes. A matrix product on a CPU may round otherwise at
another alignment, so that a member's numbers would depend on its place in the stack; and an update of a whole row is
one operation, however many tensors a model has. The columns between tensors hold zeros and stay so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Self

import torch
from torch import Tensor

ALIGNMENT_BYTES = 64


@dataclass(frozen=True)
class Columns:
    """Where each tensor of a member stands in its row.

    Attributes:
        shapes: Of one member's tensors, by name.
        starts: First column of each.
        width: S.
        dtype: Of all of them.
    """

    shapes: dict[str, tuple[int, ...]]
    starts: dict[str, int]
    width: int
    dtype: torch.dtype

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], dtype: torch.dtype) -> Self:
        """The columns for tensors of these names and shapes."""
        step = ALIGNMENT_BYTES // dtype.itemsize
        starts, width = {}, 0
        for name, tensor in tensors.items():
            starts[name] = width
            width += -(-tensor.numel() // step) * step
        return cls({name: tuple(tensor.shape) for name, tensor in tensors.items()}, starts, width, dtype)

    def zeros(self, R: int, device: torch.device) -> Tensor:
        """R empty rows, (R, S)."""
        return torch.zeros(R, self.width, dtype=self.dtype, device=device)

    def views(self, rows: Tensor) -> dict[str, Tensor]:
        """The tensors in rows (m, S), by name: (m, *shape) each, sharing their memory."""
        return {
            name: rows[:, start : start + prod(shape)].view(len(rows), *shape)
            for (name, shape), start in zip(self.shapes.items(), self.starts.values(), strict=True)
        }

    def gaps(self, rows: Tensor) -> list[Tensor]:
        """The columns of rows (m, S) that no tensor has."""
        ends = [start + prod(shape) for start, shape in zip(self.starts.values(), self.shapes.values(), strict=True)]
        following = [*list(self.starts.values())[1:], self.width]
        return [rows[:, end:start] for end, start in zip(ends, following, strict=True) if end < start]
