"""BatchNorm's running statistics, estimated anew for a network that no training has led to.

Halfway between two networks the activations have other means and variances than at either end, and other ones than
those in between: running statistics that were merely interpolated would raise the loss on their own.
"""

from itertools import pairwise
from math import ceil

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from workers.data.pixels import Pixels
from workers.errors import UserFault

BATCH = 256
"""Most examples of a batch; part of the bits of a result, so it is fixed."""


def estimated_layers(model: nn.Module) -> list[_BatchNorm]:
    """The layers that keep running statistics."""
    layers = [layer for layer in model.modules() if isinstance(layer, _BatchNorm)]
    return [layer for layer in layers if layer.running_mean is not None]


def estimate(model: nn.Module, inputs: Tensor | Pixels) -> None:
    """Replace the running statistics of `model`, which is in eval mode and stays so; without any, do nothing.

    From a reset, batches pass in train mode, in which each layer normalises by the batch's own statistics; what is
    kept is the plain mean over batches of their means and of their unbiased variances. Only BatchNorm layers leave
    eval mode: dropout stays off.

    Args:
        model: Maps inputs to logits.
        inputs: Training inputs (N, *input_shape), shared out evenly among the fewest batches of at most `BATCH`.

    Raises:
        UserFault: fewer than two examples, of which there is no variance.
    """
    layers = estimated_layers(model)
    if not layers:
        return
    if len(inputs) < 2:
        raise UserFault(
            f"BatchNorm's statistics cannot be estimated from fewer than 2 examples, came {len(inputs)}: give more"
        )
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # PyTorch's way to ask for the mean over all batches
        layer.train()
    batches = ceil(len(inputs) / BATCH)
    bounds = [len(inputs) * number // batches for number in range(batches + 1)]
    with torch.no_grad():
        for first, last in pairwise(bounds):
            model(inputs[first:last])
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()
