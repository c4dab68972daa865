"""Sums over the parameters for a grid of pairs, from products of tangents.

With u, v, a, δ as in the package's docstring, A = a_(l−1)·a_(l−1)′ and D = δ_l·δ_l′, W_l has

    ‖H_y g_x‖²        = |u_xy|² A_yy + D_yy |v_xy|² + 2 (u_xy·δ_y)(v_xy·a_y),
    H_y g_x · H_x g_y = (u_xy·u_yx) A_xy + (u_xy·δ_x)(v_yx·a_y) + (u_yx·δ_y)(v_xy·a_x) + D_xy (v_xy·v_yx),
    H_y g_x · g_x     = (u_xy·δ_x) A_xy + D_xy (v_xy·a_x).

A bias is a weight whose input is 1: A = 1, v = 0.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.brackets.paths.structured.dots import Dots, Gram
from workers.brackets.paths.structured.network import Layer


@dataclass(frozen=True)
class LayerDots:
    """All products that one layer's sums need.

    Attributes:
        layer: The layer.
        u: Of u_l with δ_l.
        v: Of v_(l−1) with a_(l−1); None for the first layer, whose input has no tangent.
        A: Of a_(l−1).
        D: Of δ_l.
    """

    layer: Layer
    u: Dots
    v: Dots | None
    A: Gram
    D: Gram


@dataclass(frozen=True)
class GaussNewtonDots:
    """Products of a layer's Gauss–Newton tangents, û.

    Attributes:
        u: Of û_l with δ_l.
        own_xy: û_xy·u_xy, (mx, my).
        own_yx: û_yx·u_yx.
        crossed_xy: û_xy·u_yx.
        crossed_yx: û_yx·u_xy.
    """

    u: Dots
    own_xy: Tensor
    own_yx: Tensor
    crossed_xy: Tensor
    crossed_yx: Tensor


@dataclass(frozen=True)
class Squares:
    """Of one tensor over a grid of pairs, each (mx, my).

    Attributes:
        xy: ‖H_y g_x‖².
        yx: ‖H_x g_y‖².
        crossed: H_y g_x · H_x g_y.
    """

    xy: Tensor
    yx: Tensor
    crossed: Tensor

    def of_difference(self) -> Tensor:
        """‖H_y g_x − H_x g_y‖²; rounding may leave less than 0 where that vanishes."""
        return (self.xy + self.yx).sub_(self.crossed, alpha=2).clamp_(min=0)


@dataclass(frozen=True)
class GridSums:
    """Sums over a grid of pairs, layer by layer; all float64.

    Attributes:
        squares: ‖b‖² by name of the tensor, (mx, my).
        scales: ‖H_y g_x‖² + ‖H_x g_y‖² likewise: what `squares` is a small difference of where products cancel.
        dot_x: b·g_x, (mx, my).
        dot_y: b·g_y.
        gradient_dot: g_x·g_y.
        square_xy: ‖H_y g_x‖².
        square_yx: ‖H_x g_y‖².
        share_squares: ‖c‖² of the Gauss–Newton parts by name, if wanted.
        share_scales: As `scales`.
        share_dot: b·c.
    """

    squares: dict[str, Tensor]
    scales: dict[str, Tensor]
    dot_x: Tensor
    dot_y: Tensor
    gradient_dot: Tensor
    square_xy: Tensor
    square_yx: Tensor
    share_squares: dict[str, Tensor]
    share_scales: dict[str, Tensor]
    share_dot: Tensor

    @classmethod
    def zeros(cls, mx: int, my: int, device: torch.device) -> "GridSums":
        """Nothing yet."""
        dot_x, dot_y, gradient_dot, square_xy, square_yx, share_dot = torch.zeros(
            6, mx, my, dtype=torch.float64, device=device
        ).unbind()
        return cls({}, {}, dot_x, dot_y, gradient_dot, square_xy, square_yx, {}, {}, share_dot)

    def add(self, dots: LayerDots, share: GaussNewtonDots | None = None) -> None:
        """Count one layer's tensors."""
        layer, u, A, D = dots.layer, dots.u, dots.A.map(dots.layer.overlap), dots.D
        if layer.weight_name is not None:
            self._put(layer.weight_name, weight_squares(dots))
        if layer.bias_name is not None:
            self._put(layer.bias_name, Squares(u.xy_xy, u.yx_yx, u.xy_yx))
        self.gradient_dot.addcmul_(D.xy, A.xy)
        self.dot_x.addcmul_(u.xy_x, A.xy).addcmul_(u.yx_x, A.xx, value=-1)
        self.dot_y.addcmul_(u.xy_y, A.yy).addcmul_(u.yx_y, A.xy, value=-1)
        if layer.weight_name is not None and dots.v is not None:
            v = dots.v
            self.dot_x.addcmul_(v.xy_x, D.xy).addcmul_(v.yx_x, D.xx, value=-1)
            self.dot_y.addcmul_(v.xy_y, D.yy).addcmul_(v.yx_y, D.xy, value=-1)
        if share is not None:
            self._add_share(dots, share)

    def _put(self, name: str, squares: Squares) -> None:
        self.squares[name] = squares.of_difference()
        self.scales[name] = squares.xy + squares.yx
        self.square_xy.add_(squares.xy)
        self.square_yx.add_(squares.yx)

    def _add_share(self, dots: LayerDots, share: GaussNewtonDots) -> None:
        """Of c = û_xy ⊗ a_y − û_yx ⊗ a_x for W_l, and û_xy − û_yx for b_l."""
        layer, u, A = dots.layer, share.u, dots.A
        of = {}
        if layer.weight_name is not None:
            of[layer.weight_name] = Squares(u.xy_xy * A.yy, u.yx_yx * A.xx, u.xy_yx * A.xy)
        if layer.bias_name is not None:
            of[layer.bias_name] = Squares(u.xy_xy, u.yx_yx, u.xy_yx)
        for name, squares in of.items():
            self.share_squares[name] = squares.of_difference()
            self.share_scales[name] = squares.xy + squares.yx
        overlap = A.map(layer.overlap)
        self.share_dot.addcmul_(share.own_xy, overlap.yy).addcmul_(share.own_yx, overlap.xx)
        self.share_dot.addcmul_(share.crossed_xy + share.crossed_yx, overlap.xy, value=-1)
        if layer.weight_name is not None and dots.v is not None:
            v = dots.v
            self.share_dot.addcmul_(u.xy_y, v.xy_y).addcmul_(u.xy_x, v.yx_y, value=-1)
            self.share_dot.addcmul_(u.yx_x, v.yx_x).addcmul_(u.yx_y, v.xy_x, value=-1)


def weight_squares(dots: LayerDots) -> Squares:
    """Of the layer's weight, by the formulas above."""
    u, v, A, D = dots.u, dots.v, dots.A, dots.D
    xy, yx, crossed = u.xy_xy * A.yy, u.yx_yx * A.xx, u.xy_yx * A.xy
    if v is not None:
        xy.addcmul_(D.yy, v.xy_xy).addcmul_(u.xy_y, v.xy_y, value=2)
        yx.addcmul_(D.xx, v.yx_yx).addcmul_(u.yx_x, v.yx_x, value=2)
        crossed.addcmul_(u.xy_x, v.yx_y).addcmul_(u.yx_y, v.xy_x).addcmul_(D.xy, v.xy_yx)
    return Squares(xy, yx, crossed)
