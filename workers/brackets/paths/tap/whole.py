"""Norms and dot products of brackets from products that are formed whole.

Axes: L left examples x, R right examples y, e entries of a parameter. All sums are float64 grids (L, R), taken over
differences themselves and not from Grams, so that nothing squares their cancellation.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.brackets.paths.reductions import STRETCH


@dataclass(frozen=True)
class Whole:
    """Products of one parameter for all pairs of some left and right examples.

    Attributes:
        xy: H_y g_x, (R, L, e).
        yx: H_x g_y, (L, R, e).
    """

    xy: Tensor
    yx: Tensor

    @property
    def brackets(self) -> Tensor:
        """H_y g_x − H_x g_y, (L, R, e)."""
        return self.xy.transpose(0, 1) - self.yx

    def stretches(self) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Parts of the last axis as float64, (L, R, ·) each, short enough to stay in the cache."""
        L, R, e = self.yx.shape
        width = max(1, STRETCH.get(self.yx.device.type, STRETCH["cuda"]) // (L * R))
        for start in range(0, e, width):
            part = slice(start, start + width)
            xy = self.xy[:, :, part].transpose(0, 1)
            yield (
                part,
                torch.empty(xy.shape, dtype=torch.float64, device=xy.device).copy_(xy),
                self.yx[:, :, part].double(),
            )


def whole_sums(products: Whole, gradients_x: Tensor, gradients_y: Tensor) -> dict[str, Tensor]:
    """What `PairSums` holds, by the names of its fields.

    Args:
        products: Of one parameter.
        gradients_x: g_x of it, (L, e).
        gradients_y: g_y, (R, e).
    """
    names = ("squares", "dot_x", "dot_y", "gradient_dot", "square_xy", "square_yx")
    L, R = products.yx.shape[:2]
    grids = torch.zeros(len(names), L, R, dtype=torch.float64, device=products.yx.device)
    squares, dot_x, dot_y, gradient_dot, square_xy, square_yx = grids
    for part, xy, yx in products.stretches():
        g_x, g_y, bracket = gradients_x[:, part].double(), gradients_y[:, part].double(), xy - yx
        gradient_dot += g_x @ g_y.mT
        dot = torch.linalg.vecdot
        squares += dot(bracket, bracket)
        square_xy += dot(xy, xy)
        square_yx += dot(yx, yx)
        dot_x += dot(bracket, g_x.unsqueeze(1))
        dot_y += dot(bracket, g_y)
    return dict(zip(names, grids, strict=True))


def whole_shares(products: Whole, shares: Whole) -> dict[str, Tensor]:
    """What `GaussNewtonSums` holds, likewise, given products and their Gauss–Newton parts."""
    L, R = products.yx.shape[:2]
    squares, dot = torch.zeros(2, L, R, dtype=torch.float64, device=products.yx.device)
    for (_, xy, yx), (_, share_xy, share_yx) in zip(products.stretches(), shares.stretches(), strict=True):
        share = share_xy - share_yx
        squares += torch.linalg.vecdot(share, share)
        dot += torch.linalg.vecdot(share, xy - yx)
    return {"squares": squares, "dot": dot}
