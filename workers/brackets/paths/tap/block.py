"""Sums over the pairs of a block, gathered layer by layer.

Axes: p pairs (x, y) of the block, x of the left and y of the right examples; n parameter tensors.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from workers.brackets.functional import Tensors
from workers.brackets.paths.path import Wanted
from workers.brackets.paths.reductions import GaussNewtonSums, PairSums
from workers.brackets.paths.tap.factored import factored_brackets, factored_sums, pair_bytes
from workers.brackets.paths.tap.layer import Columns, Flow
from workers.brackets.paths.tap.whole import Whole, whole_shares, whole_sums

GRAM_BYTES = 2**24
"""What the Grams of a stretch of pairs may take: about a third-level cache."""

WHOLE_BYTES = 2**23
"""What the products H_y g_x of one parameter may take, if there is a choice."""


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
        self.pairs, self.spans, self.diagonal = pairs, (rows, columns), diagonal
        self.x, self.y = torch.tensor(pairs, dtype=torch.int64, device=device).reshape(-1, 2).unbind(1)
        self.chosen = sorted({*wanted.moved, *wanted.kept})
        self.columns = {name: column for column, name in enumerate(parameters)}
        self.sums = PairSums.zeros(len(pairs), len(parameters), device)
        self.shares = GaussNewtonSums.zeros(len(pairs), len(parameters), device) if wanted.gauss_newton else None
        self.brackets = {
            name: parameter.new_empty(len(self.chosen), *parameter.shape) for name, parameter in parameters.items()
        }

    def add(self, xy: Flow, yx: Flow) -> None:
        """Take in a layer: tangents at the right examples along the left ones, and the other way round."""
        for name, gradients in xy.at.gradients.items():
            numel = gradients[0].numel() * gradients.element_size()
            rows, columns = self.spans
            step = max(1, WHOLE_BYTES // max(1, rows * numel))
            for start in range(0, columns, step):
                self._add_whole(xy, yx, name, slice(start, min(start + step, columns)))
        if isinstance(xy.at, Columns) and xy.at.factored is not None:
            self._add_factored(xy.at, xy, yx, xy.at.factored)

    def _add_whole(self, xy: Flow, yx: Flow, name: str, right: slice) -> None:
        """A parameter whose products are formed, for all pairs of some right examples."""
        left = slice(right.stop if self.diagonal else self.spans[0])
        products = _products(xy, yx, name, left, right, share=False)
        gradients_x, gradients_y = yx.at.gradients[name][left], xy.at.gradients[name][right]
        sums = whole_sums(products, gradients_x.flatten(1), gradients_y.flatten(1))
        listed = [place for place, (_, y) in enumerate(self.pairs) if right.start <= y < right.stop]
        places = torch.tensor(listed, dtype=torch.int64, device=self.x.device)
        grid = self.x[places], self.y[places] - right.start
        self._put(places, name, {field: values[grid] for field, values in sums.items()})
        if self.shares is not None:
            shares = whole_shares(products, _products(xy, yx, name, left, right, share=True))
            self._put_shares(places, name, {field: values[grid] for field, values in shares.items()})
        for rank, place in enumerate(self.chosen):
            x, y = self.pairs[place]
            if right.start <= y < right.stop:
                bracket = products.xy[y - right.start, x] - products.yx[x, y - right.start]
                self.brackets[name][rank] = xy.at.shaped(name, bracket.view(gradients_x.shape[1:]))

    def _add_factored(self, layer: Columns, xy: Flow, yx: Flow, name: str) -> None:
        """The factored parameter of a layer, for stretches of pairs."""
        stretch = max(1, GRAM_BYTES // pair_bytes(layer))
        for start in range(0, len(self.x), stretch):
            places = torch.arange(start, min(start + stretch, len(self.x)), device=self.x.device)
            sums, shares = factored_sums(layer, xy, yx, self.x[places], self.y[places], self.shares is not None)
            self._put(places, name, sums)
            self._put_shares(places, name, shares)
        for rank, place in enumerate(self.chosen):
            pair = slice(place, place + 1)
            self.brackets[name][rank] = factored_brackets(layer, xy, yx, self.x[pair], self.y[pair])[0]

    def _put(self, places: Tensor, name: str, sums: Mapping[str, Tensor]) -> None:
        for field, values in sums.items():
            if field == "squares":
                self.sums.squares[places, self.columns[name]] = values
            else:
                getattr(self.sums, field)[places] += values

    def _put_shares(self, places: Tensor, name: str, shares: Mapping[str, Tensor]) -> None:
        if self.shares is not None and shares:
            self.shares.squares[places, self.columns[name]] = shares["squares"]
            self.shares.dot[places] += shares["dot"]


def _products(xy: Flow, yx: Flow, name: str, left: slice, right: slice, share: bool) -> Whole:
    """Of one parameter, for some left and right examples."""
    forth = xy.at.product(name, xy, right, left, share)
    back = yx.at.product(name, yx, left, right, share)
    return Whole(forth.flatten(2), back.flatten(2))
