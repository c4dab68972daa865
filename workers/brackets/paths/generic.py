"""The generic path: brackets of any torch module, forward over reverse, products held for one block of pairs.

Axes: m examples of a block, D pairs that share their second example, T test examples, K outputs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from workers.brackets.functional import Functional, Tensors
from workers.brackets.gradients import Gradients, gradients_of
from workers.brackets.paths.path import PairBlock, Wanted
from workers.brackets.paths.reductions import GaussNewtonSums, PairSums, reduce_gauss_newton, reduce_pairs
from workers.brackets.products import gauss_newton_products, hessian_products, logit_perturbations


@dataclass(frozen=True)
class Generic:
    """Each product H_y g_x is taken once and the square terms H_x g_x are never formed.

    Attributes:
        functional: The model at the checkpoint.
    """

    functional: Functional
    name: Literal["generic"] = field(default="generic", init=False)

    def double(self) -> "Generic":
        """The same path at the same point in float64."""
        return Generic(self.functional.double())

    def first_order(self, inputs: Tensor, targets: Tensor) -> Gradients:
        """Losses and whole gradients: m · P numbers."""
        return gradients_of(self.functional, inputs, targets)

    def tests(self, inputs: Tensor) -> Tensor:
        """The test examples themselves."""
        return inputs

    def pairs(self, left: Gradients, right: Gradients | None, wanted: Wanted) -> PairBlock:
        """All brackets of a block; about m_left · m_right · P numbers are held at once.

        Columns b go by one at a time: with each, all pairs (a, b) are reduced and let go.
        """
        columns = len(left) if right is None else len(right)
        p = len(left) * columns if right is not None else columns * (columns - 1) // 2
        n, device = len(self.functional.parameters), left.losses.device
        sums = PairSums.zeros(p, n, device)
        shares = GaussNewtonSums.zeros(p, n, device) if wanted.gauss_newton else None
        moved: dict[int, Tensor] = {}
        kept: dict[int, Tensors] = {}
        for group in _groups(self.functional, left, right, wanted.gauss_newton):
            indices = _places(len(group.products_yx), group.second, len(left), columns, right is None)
            places = torch.tensor(indices, device=device)
            sums.put(
                places,
                reduce_pairs(group.products_xy, group.products_yx, group.gradients_x, group.gradient_y),
            )
            at = {place: row for row, place in enumerate(indices)}
            to_move = [place for place in wanted.moved if place in at]
            to_keep = [place for place in wanted.kept if place in at]
            if shares is None and not to_move and not to_keep:
                continue
            brackets = group.brackets()
            if shares is not None:
                shares.put(places, reduce_gauss_newton(brackets, group.share_xy, group.share_yx))
            if to_move:
                rows = [at[place] for place in to_move]
                directions = {name: bracket[rows] for name, bracket in brackets.items()}
                moved |= zip(to_move, logit_perturbations(self.functional, wanted.tests, directions), strict=True)
            for place in to_keep:
                kept[place] = {name: bracket[at[place]].clone() for name, bracket in brackets.items()}
        return PairBlock(
            sums=sums,
            gauss_newton=shares,
            logits=torch.stack([moved[place] for place in wanted.moved]) if wanted.moved else None,
            brackets=[kept[place] for place in wanted.kept],
        )


@dataclass(frozen=True)
class _Group:
    """The pairs of the first D examples a with one example b, whose place in its block is `second`.

    Attributes:
        second: Place of b.
        products_xy: H_b g_a, (D, *shape).
        products_yx: H_a g_b, (*shape), for each of the D examples a.
        gradients_x: g_a, (D, *shape).
        gradient_y: g_b, (*shape).
        share_xy: Gauss–Newton parts of `products_xy`, if wanted.
        share_yx: Gauss–Newton parts of `products_yx`, if wanted.
    """

    second: int
    products_xy: Tensors
    products_yx: list[Tensors]
    gradients_x: Tensors
    gradient_y: Tensors
    share_xy: Tensors
    share_yx: list[Tensors]

    def brackets(self) -> Tensors:
        """[v_a, v_b], (D, *shape)."""
        return {
            name: product - torch.stack([products[name] for products in self.products_yx])
            for name, product in self.products_xy.items()
        }


def _groups(functional: Functional, left: Gradients, right: Gradients | None, shares: bool) -> Iterator[_Group]:
    """Products at the left examples are held, those at the right ones stream by."""
    block = left if right is None else right
    kinds = (hessian_products, gauss_newton_products) if shares else (hessian_products,)
    held = [
        [
            product(functional, left.inputs[a], left.targets[a], _others(block, a if right is None else None))
            for a in range(len(left))
        ]
        for product in kinds
    ]
    for b in range(len(block)):
        if right is None and b == 0:
            continue
        D = b if right is None else len(left)
        # Among the directions at an example a < b of one block, its own place is missing, so b stands at b − 1.
        place = b - 1 if right is None else b
        gradients_x = {name: gradient[:D] for name, gradient in left.gradients.items()}
        streamed = [
            {name: products[:D] for name, products in held[kind][b].items()}
            if right is None
            else product(functional, block.inputs[b], block.targets[b], gradients_x)
            for kind, product in enumerate(kinds)
        ]
        yield _Group(
            second=b,
            products_xy=streamed[0],
            products_yx=_at(held[0][:D], place),
            gradients_x=gradients_x,
            gradient_y={name: gradient[b] for name, gradient in block.gradients.items()},
            share_xy=streamed[1] if shares else {},
            share_yx=_at(held[1][:D], place) if shares else [],
        )


def _others(block: Gradients, own: int | None) -> Tensors:
    """Gradients of a block as directions, without the example's own."""
    if own is None:
        return block.gradients
    others = [place for place in range(len(block)) if place != own]
    return {name: gradient[others] for name, gradient in block.gradients.items()}


def _at(held: Sequence[Tensors], place: int) -> list[Tensors]:
    return [{name: product[place] for name, product in products.items()} for products in held]


def _places(D: int, b: int, rows: int, columns: int, diagonal: bool) -> list[int]:
    """Places of the pairs (0, b) … (D − 1, b) in a block."""
    if diagonal:
        return [a * (2 * rows - a - 1) // 2 + b - a - 1 for a in range(D)]
    return [a * columns + b for a in range(D)]
