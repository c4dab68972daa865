"""Sums over the pairs of a block, gathered layer by layer.

Axes: p pairs (x, y) of the block, x of the left and y of the right examples; n parameter tensors; D pairs of one y.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.brackets.functional import Tensors
from workers.brackets.path import Wanted
from workers.brackets.reductions import GaussNewtonSums, PairSums, reduce_gauss_newton, reduce_pairs
from workers.brackets.tap.factored import factored_brackets, factored_sums, pair_bytes
from workers.brackets.tap.layer import Columns, Flow

GRAM_BYTES = 2**24
"""What the Grams of a stretch of pairs may take: about a third-level cache."""


@dataclass(frozen=True)
class _Group:
    """The pairs of the first D left examples with the right example y.

    Attributes:
        y: Place of y among the right examples.
        places: Of the pairs in the block, (D,).
        chosen: Which of the D are wanted whole, and their places among all such pairs.
    """

    y: int
    places: Tensor
    chosen: dict[int, int]


class Block:
    """What is known so far about the pairs of a block.

    Attributes:
        sums: Over the layers added so far.
        shares: Over their Gauss–Newton parts, if wanted.
        chosen: Places of the pairs whose brackets are wanted whole, ascending.
        brackets: Those brackets, by parameter: (len(chosen), *shape).
    """

    def __init__(self, rows: int, columns: int, diagonal: bool, parameters: Tensors, wanted: Wanted) -> None:
        pairs = [(x, y) for x in range(rows) for y in range(x + 1 if diagonal else 0, columns)]
        device = next(iter(parameters.values())).device
        self.x, self.y = torch.tensor(pairs, dtype=torch.int64, device=device).reshape(-1, 2).unbind(1)
        self.chosen = sorted({*wanted.moved, *wanted.kept})
        ranks = {place: rank for rank, place in enumerate(self.chosen)}
        self.groups = []
        for y in range(columns):
            places = [place for place, pair in enumerate(pairs) if pair[1] == y]
            if places:
                chosen = {x: ranks[place] for x, place in enumerate(places) if place in ranks}
                self.groups.append(_Group(y, torch.tensor(places, device=device), chosen))
        self.columns = {name: column for column, name in enumerate(parameters)}
        self.sums = PairSums.zeros(len(pairs), len(parameters), device)
        self.shares = GaussNewtonSums.zeros(len(pairs), len(parameters), device) if wanted.gauss_newton else None
        self.brackets = {
            name: parameter.new_empty(len(self.chosen), *parameter.shape) for name, parameter in parameters.items()
        }

    def add(self, xy: Flow, yx: Flow) -> None:
        """Take in a layer: tangents at the right examples along the left ones, and the other way round."""
        if xy.at.gradients:
            for group in self.groups:
                self._add_whole(xy, yx, group)
        if isinstance(xy.at, Columns) and xy.at.factored is not None:
            self._add_factored(xy.at, xy, yx, xy.at.factored)

    def _add_whole(self, xy: Flow, yx: Flow, group: _Group) -> None:
        """Parameters whose products are formed, for the pairs of one right example."""
        D = len(group.places)
        product_xy, product_yx = _products(xy, yx, group.y, D, share=False)
        gradients_x = {name: gradient[:D] for name, gradient in yx.at.gradients.items()}
        gradient_y = {name: gradient[group.y] for name, gradient in xy.at.gradients.items()}
        names = list(product_xy)
        self._put(group.places, names, reduce_pairs(product_xy, _rows(product_yx, D), gradients_x, gradient_y))
        if self.shares is None and not group.chosen:
            return
        brackets = {name: product_xy[name] - product_yx[name] for name in names}
        if self.shares is not None:
            share_xy, share_yx = _products(xy, yx, group.y, D, share=True)
            self._put_shares(group.places, names, reduce_gauss_newton(brackets, share_xy, _rows(share_yx, D)))
        for x, rank in group.chosen.items():
            for name, bracket in brackets.items():
                self.brackets[name][rank] = xy.at.shaped(name, bracket[x])

    def _add_factored(self, layer: Columns, xy: Flow, yx: Flow, name: str) -> None:
        """The factored parameter of a layer, for stretches of pairs."""
        stretch = max(1, GRAM_BYTES // pair_bytes(layer))
        for start in range(0, len(self.x), stretch):
            places = torch.arange(start, min(start + stretch, len(self.x)), device=self.x.device)
            sums, shares = factored_sums(layer, xy, yx, self.x[places], self.y[places])
            self._put(places, [name], sums)
            if shares is not None:
                self._put_shares(places, [name], shares)
        for rank, place in enumerate(self.chosen):
            pair = slice(place, place + 1)
            self.brackets[name][rank] = factored_brackets(layer, xy, yx, self.x[pair], self.y[pair])[0]

    def _put(self, places: Tensor, names: Sequence[str], sums: PairSums) -> None:
        for number, name in enumerate(names):
            self.sums.squares[places, self.columns[name]] = sums.squares[:, number]
        for field in ("dot_x", "dot_y", "gradient_dot", "square_xy", "square_yx"):
            getattr(self.sums, field)[places] += getattr(sums, field)

    def _put_shares(self, places: Tensor, names: Sequence[str], shares: GaussNewtonSums) -> None:
        if self.shares is not None:
            for number, name in enumerate(names):
                self.shares.squares[places, self.columns[name]] = shares.squares[:, number]
            self.shares.dot[places] += shares.dot


def _products(xy: Flow, yx: Flow, y: int, D: int, share: bool) -> tuple[Tensors, Tensors]:
    """H_y g_x and H_x g_y for the first D left examples x and one right example y, (D, *shape) each."""
    one, first = slice(y, y + 1), slice(D)
    product_xy = {name: product[0] for name, product in xy.at.products(xy, one, first, share).items()}
    product_yx = {name: product[:, 0] for name, product in yx.at.products(yx, first, one, share).items()}
    return product_xy, product_yx


def _rows(products: Tensors, D: int) -> list[Tensors]:
    return [{name: product[place] for name, product in products.items()} for place in range(D)]
