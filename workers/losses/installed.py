"""Losses installed on the workers, tried before they are used.

Axes: … any batch axes, K outputs.
"""

from typing import Any

import torch
from torch import Tensor

from schemas.losses import RegistryLoss
from workers import plugins
from workers.errors import UserFault
from workers.losses.functions import ExampleLoss

LOSSES_GROUP = "holonomy.losses"
_TRIED = 3


def installed_loss(spec: RegistryLoss, K: int) -> ExampleLoss:
    """The function that the factory makes when called as `factory(**options)`.

    Raises:
        UserFault: it is not installed, or not a loss of single examples: it does not map (…, K) and (…, K) to (…), or
            gives an example another loss in a batch than alone.
    """
    made = plugins.call(LOSSES_GROUP, spec.name, **spec.options)
    logits = torch.linspace(-2, 2, _TRIED * K, dtype=torch.float64).reshape(_TRIED, K)
    targets = torch.eye(K, dtype=torch.float64)[torch.arange(_TRIED) % K]
    batch = _tried(spec, made, logits, targets)
    alone = torch.stack([_tried(spec, made, z, t) for z, t in zip(logits, targets, strict=True)])
    if not torch.allclose(batch, alone, rtol=1e-9, atol=1e-12):
        raise UserFault(
            f"a loss must be a sum over examples, but {spec.name!r} gives an example another loss in a batch than "
            "alone: take out what couples the examples"
        )
    loss: ExampleLoss = made
    return loss


def _tried(spec: RegistryLoss, made: Any, logits: Tensor, targets: Tensor) -> Tensor:
    try:
        value = made(logits, targets)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserFault(f"the loss {spec.name!r} cannot take logits {tuple(logits.shape)}: {reason}") from error
    if not isinstance(value, Tensor) or value.shape != logits.shape[:-1]:
        came = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise UserFault(
            f"a loss must be a sum over examples: {spec.name!r} should map logits {tuple(logits.shape)} to losses "
            f"{tuple(logits.shape[:-1])}, one per example, it gave {came}; leave the sum over examples to Holonomy"
        )
    return value
