"""Element types by the names specs use."""

import torch

from schemas.base import Dtype

DTYPES: dict[Dtype, torch.dtype] = {"float32": torch.float32, "float64": torch.float64}


def torch_dtype(name: Dtype) -> torch.dtype:
    """PyTorch's type of that name."""
    return DTYPES[name]


def doubled(tensor: torch.Tensor) -> torch.Tensor:
    """Floating-point numbers in float64; whole numbers, such as tokens, as they are."""
    return tensor.double() if tensor.is_floating_point() else tensor
