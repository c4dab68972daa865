"""Memory that blocks of pairs use one after the other."""

import threading
from math import prod

import torch
from torch import Tensor


class Workspace(threading.local):
    """Arrays by name, kept from block to block; every thread has its own.

    The allocator would hand such large pieces back to the system after each block and have it clear them anew for the
    next: a third of the time at 32 × 32 pairs.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, torch.dtype], Tensor] = {}

    def room(self, name: str, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
        """An array that nobody else holds until `name` is asked for again; its values are arbitrary."""
        size = prod(shape)
        held = self._held.get((name, dtype))
        if held is None or held.numel() < size or held.device != device:
            held = self._held[name, dtype] = torch.empty(size, dtype=dtype, device=device)
        return held[:size].view(shape)

    @property
    def nbytes(self) -> int:
        """Memory that this thread's arrays hold."""
        return sum(held.nbytes for held in self._held.values())
