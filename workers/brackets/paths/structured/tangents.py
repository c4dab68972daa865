"""Tangents of activations and deltas along g_x at y, for a whole grid of pairs at once.

With overlaps s_l = a_l^x·a_l^y + 1 and D_l = δ_l^x·δ_l^y (algorithms.md, structured MLP):

    dz_1 = δ_1^x s_0,  dz_l = W_l v_(l−1) + δ_l^x s_(l−1),  v_l = φ′ dz_l,
    u_L = S dz_L,      u_l = φ′ (W_(l+1)ᵀ u_(l+1) + a_l^x D_(l+1)) + c_l dz_l.

The first layer costs no matrix product. Sums of s leave out what is held fixed: the 1 without a trainable bias, the
product without a trainable weight, and D then too.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from workers.brackets.paths.structured.dots import Grams
from workers.brackets.paths.structured.output import curvature_products
from workers.brackets.paths.structured.state import State
from workers.brackets.paths.structured.workspace import Workspace
from workers.losses import ExampleLoss

Side = Literal[0, 1]
"""The axis of a grid (mx, my) along which the direction examples run: 0 for H_y g_x, 1 for H_x g_y."""


@dataclass(frozen=True)
class Tangents:
    """Tangents over a grid of pairs, in the network's dtype but for the last layer's.

    Attributes:
        v: v_l = da_l for l = 1 … L − 1, each (mx, my, d_l).
        u: u_l = dδ_l for l = 1 … L, each (mx, my, d_l); the last in float64.
        u_gauss_newton: The same without what second derivatives of the network add, if wanted.
    """

    v: tuple[Tensor, ...]
    u: tuple[Tensor, ...]
    u_gauss_newton: tuple[Tensor, ...] = ()


def tangents(
    loss: ExampleLoss, x: State, y: State, grams: Grams, side: Side, gauss_newton: bool, workspace: Workspace
) -> Tangents:
    """Tangents of H_y g_x (side 0) or of H_x g_y (side 1) for all x and y; they live in the workspace."""
    direction, base = (x, y) if side == 0 else (y, x)
    layers, dtype, device = x.network.layers, x.network.dtype, x.losses.device

    def along(tensor: Tensor) -> Tensor:
        return tensor.unsqueeze(1 - side).to(dtype)

    def at(tensor: Tensor) -> Tensor:
        return tensor.unsqueeze(side)

    def room(kind: str, place: int) -> Tensor:
        shape = (len(x), len(y), layers[place].weight.shape[0])
        # Nobody needs dz any more when the other side is computed.
        return workspace.room(f"dz{place}" if kind == "dz" else f"{kind}{place}-{side}", shape, dtype, device)

    overlaps = [
        layer.overlap(gram.xy).to(dtype).unsqueeze(2) for layer, gram in zip(layers, grams.activations, strict=True)
    ]
    dz = torch.mul(along(direction.deltas[0]), overlaps[0], out=room("dz", 0))
    dzs, v = [dz], []
    for place, layer in enumerate(layers[1:], start=1):
        v.append(torch.mul(at(base.slopes[place - 1]), dz, out=room("v", place - 1)))
        dz = _product(v[-1], layer.transposed, room("dz", place))
        dzs.append(dz.addcmul_(along(direction.deltas[place]), overlaps[place]))
    last = _at_the_output(loss, base, dz.double(), side)
    u, u_gauss_newton = [last], [last]
    for place in reversed(range(len(layers) - 1)):
        above, slope, bend = layers[place + 1], at(base.slopes[place]), base.bends[place]
        back = _product(u[0].to(dtype), above.weight, room("u", place))
        if above.weight_name is not None:
            back.addcmul_(along(direction.activations[place + 1]), grams.deltas[place + 1].xy.to(dtype).unsqueeze(2))
        back.mul_(slope)
        if bend is not None:
            back.addcmul_(at(bend), dzs[place])
        u.insert(0, back)
        if gauss_newton:
            share = _product(u_gauss_newton[0].to(dtype), above.weight, room("gauss-newton", place))
            u_gauss_newton.insert(0, share.mul_(slope))
    return Tangents(tuple(v), tuple(u), tuple(u_gauss_newton) if gauss_newton else ())


def _product(grid: Tensor, matrix: Tensor, out: Tensor) -> Tensor:
    """(mx, my, d) by (d, e) as one matrix product."""
    torch.mm(grid.flatten(0, 1), matrix, out=out.flatten(0, 1))
    return out


def _at_the_output(loss: ExampleLoss, base: State, dz: Tensor, side: Side) -> Tensor:
    """u_L = S dz_L, float64 (mx, my, K)."""
    if base.curvatures is None:
        logits, targets = (tensor.unsqueeze(side).expand_as(dz) for tensor in (base.logits, base.targets))
        rows = (tensor.reshape(-1, dz.shape[2]) for tensor in (logits, targets, dz))
        return curvature_products(loss, *rows).view_as(dz)
    return torch.einsum("xyk,ykj->xyj" if side == 0 else "xyk,xkj->xyj", dz, base.curvatures).contiguous()
