"""The first layer of a perceptron, taken once for a whole path.

Axes: N examples, d units of the first layer.

Before its first activation a perceptron is linear in its parameters: z(λ) = (1 − λ) z(0) + λ z(1). So the product
with the inputs, nearly all the work of a narrow network on images, is done at the two ends alone.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from workers.data.pixels import Pixels
from workers.replicas.barriers.line import Line, between
from workers.training.evaluate import BATCH


@dataclass(frozen=True)
class LinearEntry:
    """A network cut behind its first layer.

    Attributes:
        rest: What follows the first layer; it shares the layers of the network that was cut.
        start: Output of the first layer at λ = 0, (N, d).
        end: At λ = 1.
    """

    rest: nn.Module
    start: Tensor
    end: Tensor

    @classmethod
    def of(cls, model: nn.Module, line: Line, inputs: Tensor | Pixels) -> Self | None:
        """Cut `model` and run its first layer on `inputs` at both ends, whose numbers it is left with.

        None if it does not begin by flattening its inputs into a linear layer.
        """
        layers = list(model) if type(model) is nn.Sequential else []
        if [type(layer) for layer in layers[:2]] != [nn.Flatten, nn.Linear]:
            return None
        first, rest = nn.Sequential(*layers[:2]), nn.Sequential(*layers[2:])
        outputs = list[Tensor]()
        for position in (0.0, 1.0):
            line.place(model, position)
            with torch.no_grad():
                parts = [first(inputs[begin : begin + BATCH]) for begin in range(0, len(inputs), BATCH)]
            outputs.append(torch.cat(parts))
        return cls(rest, *outputs)

    def at(self, position: float) -> Tensor:
        """Output of the first layer at λ: (N, d)."""
        return between(self.start, self.end, position)
