"""Norms of brackets in function space: ‖b‖²_G = mean_t Δz_tᵀ G_z Δz_t with Δz_t = J_t b.

No power of the learning rate is included: a realised swap is lr² times as long.

All three are taken over all K logits whatever the loss is. Under a loss with groups, which has a softmax and a "none
of them" in each and sigmoids beside them, neither `softmax` nor `bernoulli` is the metric of its Fisher information.

Axes: p pairs, T test examples, K outputs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

STRETCH = 2**22
"""Numbers in float64 at a time."""


@dataclass(frozen=True)
class FunctionNorms:
    """By pair, (p,) in float64.

    Attributes:
        euclidean: G_z = I.
        softmax: G_z = diag(p) − ppᵀ with p the softmax of z_t: the Fisher metric of one class per example.
        bernoulli: G_z = diag(p(1 − p)) with p the sigmoid of z_t: that of independent labels.
    """

    euclidean: Tensor
    softmax: Tensor
    bernoulli: Tensor


def function_norms(moved: Tensor, logits: Tensor) -> FunctionNorms:
    """Norms of perturbations Δz (p, T, K) at the logits z (T, K) of the test examples.

    Δzᵀ(diag(p) − ppᵀ)Δz is the variance of Δz under p. It is taken as Σ_k p_k (Δz_k − Σ_l p_l Δz_l)², which loses
    nothing when all logits move together and the metric sees nothing.
    """
    z = logits.double()
    p = z.softmax(-1)
    slack = torch.sigmoid(z) * torch.sigmoid(-z)
    parts = []
    for part in torch.split(moved, max(1, STRETCH // max(1, logits.numel()))):
        dz = part.double()
        centred = dz - (p * dz).sum(-1, keepdim=True)
        squares = (dz.square(), p * centred.square(), slack * dz.square())
        parts.append(torch.stack([square.sum(-1).mean(-1) for square in squares]))
    norms = torch.cat(parts, dim=1).sqrt() if parts else torch.zeros(3, 0, dtype=torch.float64)
    return FunctionNorms(*norms)
