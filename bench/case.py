"""What a case of the bench is told and gives."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from bench.report import Figure
from bench.timing import Spread


@dataclass(frozen=True)
class Conditions:
    """How a case is to run.

    Attributes:
        device: Where.
        quick: Smaller and fewer rounds; the figures are not those of the table.
    """

    device: torch.device
    quick: bool

    @property
    def cuda(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.type == "cuda"


Case = Callable[[Conditions], list[Figure]]


def spread_figure(name: str, spread: Spread, unit: str, target: float, aim: float, *, lower: bool = False) -> Figure:
    """A figure that is the median of rounds, with its extremes."""
    return Figure(name, spread.median, unit, target, aim, lower, spread.low, spread.high)
