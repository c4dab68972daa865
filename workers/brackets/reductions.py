"""Numbers about a few brackets at once, accumulated in float64.

Axes: D pairs that share their second example y, n parameter tensors.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.brackets.functional import Tensors


@dataclass(frozen=True)
class PairSums:
    """Sums over parameters for D pairs (x, y); all float64.

    Attributes:
        squares: ‖b‖² of every tensor of b = [v_x, v_y], (D, n).
        dot_x: b · g_x, (D,).
        dot_y: b · g_y, (D,).
        gradient_dot: g_x · g_y, (D,).
        square_xy: ‖H_y g_x‖², (D,).
        square_yx: ‖H_x g_y‖², (D,).
    """

    squares: Tensor
    dot_x: Tensor
    dot_y: Tensor
    gradient_dot: Tensor
    square_xy: Tensor
    square_yx: Tensor


def reduce_pairs(products_xy: Tensors, products_yx: Tensors, gradients_x: Tensors, gradient_y: Tensors) -> PairSums:
    """Sums for the brackets b = H_y g_x − H_x g_y, from the differences themselves, tensor by tensor.

    Gram forms of the norms would square the cancellation in the difference (mathematics.md, 2); this does not.

    Args:
        products_xy: H_y g_x, float64 (D, numel) per parameter.
        products_yx: H_x g_y, likewise.
        gradients_x: g_x, likewise.
        gradient_y: g_y, float64 (numel,) per parameter.
    """
    squares = []
    dot_x, dot_y, gradient_dot, square_xy, square_yx = (
        torch.zeros(len(tensor), dtype=torch.float64, device=tensor.device)
        for tensor in [next(iter(products_xy.values()))] * 5
    )
    for name, xy in products_xy.items():
        yx, g_x, g_y = products_yx[name], gradients_x[name], gradient_y[name]
        bracket = xy - yx
        squares.append(_row_dots(bracket, bracket))
        dot_x += _row_dots(bracket, g_x)
        dot_y += bracket @ g_y
        gradient_dot += g_x @ g_y
        square_xy += _row_dots(xy, xy)
        square_yx += _row_dots(yx, yx)
    return PairSums(torch.stack(squares, dim=1), dot_x, dot_y, gradient_dot, square_xy, square_yx)


def _row_dots(left: Tensor, right: Tensor) -> Tensor:
    """Σ_p left_dp right_dp: a batched product, without a temporary of the inputs' size."""
    return torch.einsum("dp,dp->d", left, right)
