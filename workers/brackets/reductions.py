"""Numbers about a few brackets at once, accumulated in float64.

Axes: D pairs that share their second example y, n parameter tensors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.brackets.functional import Tensors

STRETCH = {"cpu": 2**16, "cuda": 2**23}
"""Numbers reduced at a time, over all D rows: a second-level cache on CPUs; elsewhere few kernel launches, and about
ten arrays of 64 MiB."""


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


def reduce_pairs(
    products_xy: Tensors, products_yx: Sequence[Tensors], gradients_x: Tensors, gradient_y: Tensors
) -> PairSums:
    """Sums for the brackets b = H_y g_x − H_x g_y, from the differences themselves, tensor by tensor.

    Gram forms of the norms would square the cancellation in the difference (mathematics.md, 2); this does not.
    Numbers turn to float64 in stretches that stay in the cache: whole copies would cost as much as the products.

    Args:
        products_xy: H_y g_x, (D, *shape) per parameter.
        products_yx: H_x g_y, (*shape) per parameter, for each of the D examples x.
        gradients_x: g_x, (D, *shape) per parameter.
        gradient_y: g_y, (*shape) per parameter.
    """
    D, device = len(products_yx), next(iter(gradient_y.values())).device
    squares = torch.zeros(D, len(products_xy), dtype=torch.float64, device=device)
    dot_x, dot_y, gradient_dot, square_xy, square_yx = torch.zeros(5, D, dtype=torch.float64, device=device)
    width = max(1, STRETCH.get(device.type, STRETCH["cuda"]) // D)
    for place, (name, product) in enumerate(products_xy.items()):
        flat_xy, flat_x, flat_y = (
            product.reshape(D, -1),
            gradients_x[name].reshape(D, -1),
            gradient_y[name].reshape(-1),
        )
        flat_yx = [products[name].reshape(-1) for products in products_yx]
        for start in range(0, flat_y.numel(), width):
            part = slice(start, start + width)
            xy = flat_xy[:, part].double()
            yx = torch.stack([row[part] for row in flat_yx]).double()
            g_x, g_y = flat_x[:, part].double(), flat_y[part].double()
            bracket = xy - yx
            squares[:, place] += torch.linalg.vecdot(bracket, bracket)
            dot_x += torch.linalg.vecdot(bracket, g_x)
            dot_y += bracket @ g_y
            gradient_dot += g_x @ g_y
            square_xy += torch.linalg.vecdot(xy, xy)
            square_yx += torch.linalg.vecdot(yx, yx)
    return PairSums(squares, dot_x, dot_y, gradient_dot, square_xy, square_yx)
