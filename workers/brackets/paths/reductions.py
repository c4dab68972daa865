"""Numbers about a few brackets at once, accumulated in float64.

Axes: D pairs that share their second example y, n parameter tensors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

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

    @classmethod
    def zeros(cls, D: int, n: int, device: torch.device) -> Self:
        """Room for D pairs."""
        squares = torch.zeros(D, n, dtype=torch.float64, device=device)
        return cls(squares, *torch.zeros(5, D, dtype=torch.float64, device=device).unbind())

    def put(self, places: Tensor, sums: "PairSums") -> None:
        """Write the rows of `sums` to these places."""
        for name in PairSums.__dataclass_fields__:
            getattr(self, name)[places] = getattr(sums, name)


@dataclass(frozen=True)
class GaussNewtonSums:
    """Sums for the Gauss–Newton parts c = J_yᵀ S_y J_y g_x − J_xᵀ S_x J_x g_y of D brackets b; all float64.

    Attributes:
        squares: ‖c‖² of every tensor, (D, n).
        dot: b · c, (D,).
    """

    squares: Tensor
    dot: Tensor

    @classmethod
    def zeros(cls, D: int, n: int, device: torch.device) -> Self:
        """Room for D pairs."""
        return cls(
            torch.zeros(D, n, dtype=torch.float64, device=device), torch.zeros(D, dtype=torch.float64, device=device)
        )

    def put(self, places: Tensor, sums: "GaussNewtonSums") -> None:
        """Write the rows of `sums` to these places."""
        self.squares[places] = sums.squares
        self.dot[places] = sums.dot


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
    sums = PairSums.zeros(D, len(products_xy), device)
    for place, (name, product) in enumerate(products_xy.items()):
        flat_xy, flat_x = product.reshape(D, -1), gradients_x[name].reshape(D, -1)
        flat_y, flat_yx = gradient_y[name].reshape(-1), [products[name].reshape(-1) for products in products_yx]
        for part in _stretches(D, flat_y):
            xy = flat_xy[:, part].double()
            yx = torch.stack([row[part] for row in flat_yx]).double()
            g_x, g_y = flat_x[:, part].double(), flat_y[part].double()
            bracket = xy - yx
            sums.squares[:, place] += torch.linalg.vecdot(bracket, bracket)
            sums.dot_x.add_(torch.linalg.vecdot(bracket, g_x))
            sums.dot_y.add_(bracket @ g_y)
            sums.gradient_dot.add_(g_x @ g_y)
            sums.square_xy.add_(torch.linalg.vecdot(xy, xy))
            sums.square_yx.add_(torch.linalg.vecdot(yx, yx))
    return sums


def reduce_gauss_newton(brackets: Tensors, products_xy: Tensors, products_yx: Sequence[Tensors]) -> GaussNewtonSums:
    """Sums for the Gauss–Newton parts of D brackets.

    Args:
        brackets: b, (D, *shape) per parameter.
        products_xy: J_yᵀ S_y J_y g_x, (D, *shape) per parameter.
        products_yx: J_xᵀ S_x J_x g_y, (*shape) per parameter, for each of the D examples x.
    """
    D, device = len(products_yx), next(iter(brackets.values())).device
    sums = GaussNewtonSums.zeros(D, len(brackets), device)
    for place, (name, bracket) in enumerate(brackets.items()):
        flat, flat_xy = bracket.reshape(D, -1), products_xy[name].reshape(D, -1)
        flat_yx = [products[name].reshape(-1) for products in products_yx]
        for part in _stretches(D, flat[0]):
            share = flat_xy[:, part].double() - torch.stack([row[part] for row in flat_yx]).double()
            sums.squares[:, place] += torch.linalg.vecdot(share, share)
            sums.dot.add_(torch.linalg.vecdot(share, flat[:, part].double()))
    return sums


def _stretches(D: int, flat: Tensor) -> Iterator[slice]:
    """Parts of the last axis, short enough for D rows of them to stay in the cache."""
    width = max(1, STRETCH.get(flat.device.type, STRETCH["cuda"]) // D)
    for start in range(0, flat.numel(), width):
        yield slice(start, start + width)
