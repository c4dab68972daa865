"""Whole brackets of few pairs, and their norms without cancellation in squares.

b_W = u_xy ⊗ a_y + δ_y ⊗ v_xy − u_yx ⊗ a_x − δ_x ⊗ v_yx for W_l, and u_xy − u_yx for b_l.
"""

import torch
from torch import Tensor

from workers.brackets.functional import Tensors
from workers.brackets.paths.reductions import STRETCH
from workers.brackets.paths.structured.block import Block, PairTangents
from workers.brackets.paths.structured.sums import GridSums

CANCELLED = 1e-2
"""‖b‖/(‖H_y g_x‖² + ‖H_x g_y‖²)^½ of a tensor below which float64 products leave fewer than 12 digits of ‖b‖²."""
TOGETHER = 64
"""Pairs whose factors are held at once."""


def whole_brackets(block: Block, rows: Tensor, columns: Tensor) -> list[Tensors]:
    """[v_a, v_b] for the pairs at these places of the grid, in the network's dtype, in the model's order."""
    network = block.network
    brackets: list[Tensors] = [{} for _ in range(len(rows))]
    for place, layer in enumerate(network.layers):
        pair = block.tangents_at(place, rows, columns)
        difference = pair.u_xy.double() - pair.u_yx.double()
        U, V = _factors(block, place, pair, rows, columns)
        for row, bracket in enumerate(brackets):
            if layer.weight_name is not None:
                bracket[layer.weight_name] = (U[row] @ V[row].T).to(network.dtype)
            if layer.bias_name is not None:
                bracket[layer.bias_name] = difference[row].to(network.dtype)
    return [{name: bracket[name] for name in network.names} for bracket in brackets]


def restore_cancelled(block: Block, sums: GridSums) -> None:
    """Take ‖b‖² anew, from b itself, for all pairs of which a tensor has cancelled; in float64 only.

    Float32 tangents carry more error than the products of `sums` add to it.
    """
    if block.network.dtype != torch.float64:
        return
    rows, columns = block.places()
    for squares, scales, gauss_newton in (
        (sums.squares, sums.scales, False),
        (sums.share_squares, sums.share_scales, True),
    ):
        if not squares:
            continue
        cancelled = torch.stack([squares[name] < CANCELLED**2 * scales[name] for name in squares]).any(0)
        few = cancelled[rows, columns].nonzero().squeeze(1)
        for start in range(0, len(few), TOGETHER):
            some = few[start : start + TOGETHER]
            _restore(block, squares, (rows[some], columns[some]), gauss_newton)


def _restore(block: Block, squares: Tensors, at: tuple[Tensor, Tensor], gauss_newton: bool) -> None:
    """Write the squares of the pairs at these rows and columns."""
    for place, layer in enumerate(block.network.layers):
        pair = block.tangents_at(place, *at, gauss_newton)
        if layer.weight_name is not None:
            squares[layer.weight_name][at] = _product_squares(*_factors(block, place, pair, *at))
        if layer.bias_name is not None:
            squares[layer.bias_name][at] = (pair.u_xy - pair.u_yx).square().sum(1)


def _factors(block: Block, place: int, pair: PairTangents, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """U (p, d_l, r) and V (p, d_(l−1), r), float64, with b_W = U Vᵀ for each pair."""
    x, y = block.x, block.y
    U = [pair.u_xy, -pair.u_yx]
    V = [y.activations[place][columns], x.activations[place][rows]]
    if pair.v_xy is not None and pair.v_yx is not None:
        U += [y.deltas[place][columns], -x.deltas[place][rows]]
        V += [pair.v_xy, pair.v_yx]
    return torch.stack([u.double() for u in U], dim=2), torch.stack([v.double() for v in V], dim=2)


def _product_squares(U: Tensor, V: Tensor) -> Tensor:
    """‖U Vᵀ‖² of p pairs, (p,), by stretches of rows that stay in the cache."""
    height = max(1, STRETCH.get(U.device.type, STRETCH["cuda"]) // V.shape[1])
    squares = U.new_zeros(len(U))
    for place, (u, v) in enumerate(zip(U, V, strict=True)):
        for part in u.split(height):
            squares[place] += (part @ v.T).square().sum()
    return squares
