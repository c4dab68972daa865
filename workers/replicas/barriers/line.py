"""The networks on a straight line through the parameters.

λ is the position: 0 at the start, 1 at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class State:
    """One network: parameters and buffers by name, without history."""

    parameters: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor]


@dataclass(frozen=True)
class Line:
    """From one network to another of the same architecture, element type and device."""

    start: State
    end: State

    def place(self, model: nn.Module, position: float) -> None:
        """Overwrite the numbers of `model` by those at λ.

        Buffers of floating-point numbers are interpolated as parameters are, whole numbers stay the start's.
        """
        held = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        with torch.no_grad():
            for start, end in ((self.start.parameters, self.end.parameters), (self.start.buffers, self.end.buffers)):
                for name, tensor in start.items():
                    floats = tensor.is_floating_point()
                    held[name].copy_(between(tensor, end[name], position) if floats else tensor)


def between(start: Tensor, end: Tensor, position: float) -> Tensor:
    """(1 − λ) start + λ end; either end exactly, even where the other is not finite."""
    if position in (0, 1):
        return end if position else start
    return torch.lerp(start, end, position)
