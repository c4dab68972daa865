"""Norms and dot products of brackets that stay sums of outer products.

Axes: p pairs (x, y), T positions. A bracket b = H_y g_x − H_x g_y of a factored parameter is

    Σ_t dδ_xy ⊗ a_y + δ_y ⊗ da_xy − dδ_yx ⊗ a_x − δ_x ⊗ da_yx,

so that with U = (dδ_xy, δ_y, dδ_yx, δ_x) and V = (a_y, da_xy, a_x, da_yx) every number wanted is a sum of entries of
UᵀU ∘ VᵀV. Such sums square the cancellation in b: the Grams are float64 throughout (algorithms.md, Precision).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from workers.brackets.paths.tap.layer import Columns, Flow
from workers.brackets.paths.tap.matrix import grams

Term = tuple[int, int, int]
"""Place of u, place of v, sign."""

PRODUCT_XY: Sequence[Term] = ((0, 0, 1), (1, 1, 1))
PRODUCT_YX: Sequence[Term] = ((2, 2, 1), (3, 3, 1))
BRACKET: Sequence[Term] = ((0, 0, 1), (1, 1, 1), (2, 2, -1), (3, 3, -1))
SHARE: Sequence[Term] = ((4, 0, 1), (5, 2, -1))
GRADIENT_X: Sequence[Term] = ((3, 2, 1),)
GRADIENT_Y: Sequence[Term] = ((1, 0, 1),)


def factored_sums(
    layer: Columns, xy: Flow, yx: Flow, x: Tensor, y: Tensor, share: bool
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Sums over the factored parameter, by fields of `PairSums` and, if wanted, of `GaussNewtonSums`: (p,) each.

    Args:
        layer: The layer at any batch; it knows the shapes.
        xy: Tangents at the right examples along the left ones.
        yx: Tangents at the left examples along the right ones.
        x: Places of the left examples, (p,).
        y: Places of the right ones, (p,).
        share: Whether sums of the Gauss–Newton parts are wanted.
    """
    u, v = _factors(xy, yx, x, y, share)
    both = grams(torch.stack(u, dim=1)), layer.v_grams(*v)
    sums = {
        "squares": _inner(both, BRACKET, BRACKET),
        "dot_x": _inner(both, BRACKET, GRADIENT_X),
        "dot_y": _inner(both, BRACKET, GRADIENT_Y),
        "gradient_dot": _inner(both, GRADIENT_X, GRADIENT_Y),
        "square_xy": _inner(both, PRODUCT_XY, PRODUCT_XY),
        "square_yx": _inner(both, PRODUCT_YX, PRODUCT_YX),
    }
    shares = {"squares": _inner(both, SHARE, SHARE), "dot": _inner(both, BRACKET, SHARE)} if share else {}
    return sums, shares


def factored_squares(layer: Columns) -> Tensor:
    """‖g‖² of the factored parameter by example, float64 (M,)."""
    return (grams(layer.u.unsqueeze(1)) * layer.v_grams(layer.v, None, layer.v, None)[:, :1, :, :1]).sum((1, 2, 3, 4))


def factored_brackets(layer: Columns, xy: Flow, yx: Flow, x: Tensor, y: Tensor) -> Tensor:
    """The brackets themselves, (p, *shape)."""
    u, v = _factors(xy, yx, x, y, share=False)
    terms = [
        sign * layer.whole(u[place_u], factor)
        for place_u, place_v, sign in BRACKET
        if (factor := v[place_v]) is not None
    ]
    return torch.stack(terms).sum(0)


def pair_bytes(layer: Columns) -> int:
    """Memory of the sums for one pair, about: columns and Grams in float64."""
    T, c_out = layer.u.shape[1:]
    return 8 * (6 * T * c_out + 4 * T * layer.v[0, 0].numel() + 3 * (6 * T) ** 2)


def _factors(
    xy: Flow, yx: Flow, x: Tensor, y: Tensor, share: bool
) -> tuple[list[Tensor], tuple[Tensor, Tensor | None, Tensor, Tensor | None]]:
    """U and V of p pairs; dδ of the Gauss–Newton parts come last in U."""
    right, left = xy.at, yx.at
    if not isinstance(right, Columns) or not isinstance(left, Columns):
        raise TypeError(f"only layers with columns are factored, these are {type(right)} and {type(left)}")
    u = [right.u_of(xy.ddelta[y, x]), right.u[y], left.u_of(yx.ddelta[x, y]), left.u[x]]
    if share:
        u += [right.u_of(xy.cotangents(True)[y, x]), left.u_of(yx.cotangents(True)[x, y])]
    da_xy = None if xy.tangent is None else right.v_of(xy.tangent[y, x])
    da_yx = None if yx.tangent is None else left.v_of(yx.tangent[x, y])
    return u, (right.v[y], da_xy, left.v[x], da_yx)


def _inner(both: tuple[Tensor, Tensor], first: Sequence[Term], second: Sequence[Term]) -> Tensor:
    """⟨Σ ± u ⊗ v, Σ ± u' ⊗ v'⟩ of every pair, from the Grams (p, n, T, n, T)."""
    of_u, of_v = both
    found = of_u.new_zeros(len(of_u))
    for u, v, sign in first:
        for other_u, other_v, other_sign in second:
            found += sign * other_sign * (of_u[:, u, :, other_u] * of_v[:, v, :, other_v]).sum((1, 2))
    return found
