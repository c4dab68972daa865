"""BatchNorm's running statistics, estimated anew for a network that no training has led to.

Halfway between two networks the activations have other means and variances than at either end, and other ones than
those in between: running statistics that were merely interpolated would raise the loss on their own.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from workers.data.pixels import Pixels
from workers.errors import UserFault


@dataclass(frozen=True)
class Estimation:
    """What the statistics are estimated from: the same examples in the same batches, wherever on a path.

    Attributes:
        inputs: Training inputs (N, *input_shape).
        examples: How many of them, from the first on, or all if there are fewer; whole batches only.
        batch: Examples of a batch.
    """

    inputs: Tensor | Pixels
    examples: int = 2048
    batch: int = 256

    def batches(self) -> int:
        """How many whole batches there are.

        Raises:
            UserFault: there is none.
        """
        count = min(self.examples, len(self.inputs)) // self.batch
        if count == 0:
            raise UserFault(
                f"estimating BatchNorm statistics needs at least one batch of {self.batch} examples, came "
                f"{min(self.examples, len(self.inputs))}: give more examples or a smaller batch"
            )
        return count


def estimated_layers(model: nn.Module) -> list[_BatchNorm]:
    """The layers that keep running statistics."""
    layers = [layer for layer in model.modules() if isinstance(layer, _BatchNorm)]
    return [layer for layer in layers if layer.running_mean is not None]


def estimate(model: nn.Module, estimation: Estimation) -> None:
    """Replace the running statistics of `model`, which is in eval mode and stays so; without any, do nothing.

    From a reset, batches pass in train mode, in which each layer normalises by the batch's own statistics; what is
    kept is the plain mean over batches of their means and of their unbiased variances. Only BatchNorm layers leave
    eval mode: dropout stays off.

    Raises:
        UserFault: there is no whole batch.
    """
    layers = estimated_layers(model)
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # PyTorch's way to ask for the mean over all batches
        layer.train()
    with torch.no_grad():
        for number in range(estimation.batches()):
            model(estimation.inputs[number * estimation.batch : (number + 1) * estimation.batch])
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()
