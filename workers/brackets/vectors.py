"""Linear algebra of parameter-shaped tensors in float64.

Axes: P parameters over all tensors, L and R vectors on either side.
"""

import torch
from torch import Tensor

from workers.brackets.functional import Tensors
from workers.brackets.paths.reductions import STRETCH


def flat(tensors: Tensors) -> Tensor:
    """All tensors as one vector in float64, in their order: (P,)."""
    return torch.cat([tensor.reshape(-1).double() for tensor in tensors.values()])


def shaped(vector: Tensor, like: Tensors) -> Tensors:
    """The inverse of `flat`: a vector (P,) as tensors with the names, shapes and types of `like`."""
    parts = torch.split(vector, [tensor.numel() for tensor in like.values()])
    return {
        name: part.reshape(tensor.shape).to(tensor.dtype)
        for (name, tensor), part in zip(like.items(), parts, strict=True)
    }


def inner_products(left: Tensors, right: Tensors) -> Tensor:
    """Σ over all parameters of left_l · right_r, products and sums in float64: (L, *shape), (R, *shape) → (L, R).

    Numbers turn to float64 in stretches that stay in the cache, as in `reduce_pairs`.
    """
    first = next(iter(left.values()))
    L, R = len(first), len(next(iter(right.values())))
    found = torch.zeros(L, R, dtype=torch.float64, device=first.device)
    width = max(1, STRETCH.get(first.device.type, STRETCH["cuda"]) // (L + R))
    for name, tensor in left.items():
        rows, columns = tensor.reshape(L, -1), right[name].reshape(R, -1)
        for start in range(0, rows.shape[1], width):
            part = slice(start, start + width)
            found.addmm_(rows[:, part].double(), columns[:, part].double().T)
    return found


def cosine(left: Tensor, right: Tensor) -> float:
    """Cosine of two vectors (P,), within [−1, 1]; 0 where either vanishes."""
    lengths = float(left.norm()) * float(right.norm())
    return min(1.0, max(-1.0, float(left @ right) / lengths)) if lengths > 0 else 0.0
