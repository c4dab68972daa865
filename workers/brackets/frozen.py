"""Frozen batch statistics: BatchNorm that normalises as train mode would on one batch, held fixed.

Train mode couples the examples of a batch, so that none has a gradient of its own. With the statistics of the chosen
examples as constants, every example has one again: no derivative flows through them.

Axes: N examples of the batch, C channels.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from workers.brackets.functional import Functional
from workers.brackets.watch import watched
from workers.errors import UserFault

CHUNK = 256
"""Examples per pass: bounds memory; part of the bits of a result, so it is fixed."""


def frozen_statistics(functional: Functional, inputs: Tensor, pause: Callable[[], None] = lambda: None) -> Functional:
    """The function whose BatchNorm statistics are those of `inputs` (N, *input_shape) as one batch.

    Mean and biased variance, with which train mode normalises, layer after layer: a layer's statistics are taken of
    what the layers before it give with theirs. The batch passes in chunks once for every layer, so that memory does
    not grow with N. The logits of the batch are those of train mode; a model without BatchNorm comes back unchanged.
    Neither the model nor the given function is changed.

    Args:
        functional: The model at the checkpoint, in eval mode.
        inputs: The batch.
        pause: Called before every pass; what it raises ends the work.

    Raises:
        UserFault: a BatchNorm layer is used more than once, so that it has no one batch.
    """
    layers = _layers(functional, inputs[:1])
    buffers = dict(functional.buffers)
    for name, layer in layers.items():
        moments = _Moments()
        for part in torch.split(inputs, CHUNK):
            pause()
            with torch.no_grad(), watched([layer], moments.take), suppress(_Reached):
                replace(functional, buffers=buffers).logits(functional.parameters, part)
        for kind, value in (("running_mean", moments.mean), ("running_var", moments.variance())):
            old = buffers[f"{name}.{kind}"]
            buffers[f"{name}.{kind}"] = value.to(old.dtype)
    return replace(functional, buffers=buffers) if layers else functional


class _Reached(Exception):
    """A pass has come to the layer that it was for."""


class _Moments:
    """Mean and summed squared deviation of each channel over what a layer was given, in float64."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = torch.zeros(())
        self.deviation = torch.zeros(())

    def take(self, _: nn.Module, given: tuple[Tensor, ...]) -> None:
        """Add one chunk (m, C, …), by the update of Chan, Golub and LeVeque, and end its pass."""
        x = given[0].double().transpose(0, 1).flatten(1)
        count, mean = x.shape[1], x.mean(1)
        deviation = (x - mean.unsqueeze(1)).square().sum(1)
        total = self.count + count
        step = mean - self.mean.to(mean)
        self.deviation = self.deviation.to(mean) + deviation + step.square() * (self.count * count / total)
        self.mean = self.mean.to(mean) + step * (count / total)
        self.count = total
        raise _Reached

    def variance(self) -> Tensor:
        """Biased: divided by the count."""
        return self.deviation / self.count


def _layers(functional: Functional, example: Tensor) -> dict[str, nn.Module]:
    """BatchNorm layers by name, in the order in which one example (1, *input_shape) meets them.

    Raises:
        UserFault: it meets one twice.
    """
    named = functional.model.named_modules()
    names: dict[nn.Module, str] = {layer: name for name, layer in named if isinstance(layer, _BatchNorm)}
    met = list[nn.Module]()
    with torch.no_grad(), watched(names, lambda layer, _: met.append(layer)):
        functional.logits(functional.parameters, example)
    for layer, count in Counter(met).items():
        if count > 1:
            raise UserFault(
                f"frozen batch statistics need every BatchNorm layer to be used once, {names[layer]!r} is used "
                f"{count} times: give each use a layer of its own, or choose batchnorm eval"
            )
    return {names[layer]: layer for layer in met}
