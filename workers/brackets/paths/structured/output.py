"""Second derivatives of losses by the logits: S = ∂²L/∂z² and products with it, in float64."""

import torch
from torch import Tensor
from torch.func import grad, vmap

from workers.losses import ExampleLoss

WHOLE_UP_TO = 64
"""Most outputs for which S is held whole: K² numbers per example against a forward pass over the loss per block."""


def slopes(loss: ExampleLoss, logits: Tensor, targets: Tensor) -> Tensor:
    """δ_L = ∂L/∂z of logits (p, K), row by row."""

    def total(z: Tensor) -> Tensor:
        return loss(z, targets).sum()

    result: Tensor = grad(total)(logits)
    return result


def curvature_products(loss: ExampleLoss, logits: Tensor, targets: Tensor, tangents: Tensor) -> Tensor:
    """S dz for tangents (p, K) at logits (p, K), row by row: the loss has no terms between rows.

    S is symmetric, so that reverse over reverse does, for which PyTorch has nothing to compile at its first use.
    """

    def along(z: Tensor) -> Tensor:
        return (slopes(loss, z, targets) * tangents).sum()

    result: Tensor = grad(along)(logits)
    return result


def curvatures(loss: ExampleLoss, logits: Tensor, targets: Tensor) -> Tensor:
    """S of logits (m, K), whole: (m, K, K)."""
    K = logits.shape[-1]
    units = torch.eye(K, dtype=logits.dtype, device=logits.device)

    def column(unit: Tensor) -> Tensor:
        return curvature_products(loss, logits, targets, unit.expand_as(logits))

    result: Tensor = vmap(column, out_dims=1)(units)
    return result
