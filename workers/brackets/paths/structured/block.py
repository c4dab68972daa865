"""A grid of pairs: tangents in both directions, their sums, and a layer's tangents at single pairs."""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.brackets.paths.structured.dots import Dots, Grams, inner
from workers.brackets.paths.structured.network import Network
from workers.brackets.paths.structured.state import State
from workers.brackets.paths.structured.sums import GaussNewtonDots, GridSums, LayerDots
from workers.brackets.paths.structured.tangents import Tangents, tangents
from workers.brackets.paths.structured.workspace import Workspace
from workers.losses import ExampleLoss


@dataclass(frozen=True)
class PairTangents:
    """One layer's tangents at p selected pairs.

    Attributes:
        u_xy: u_l along g_x at y, (p, d_l).
        u_yx: u_l along g_y at x.
        v_xy: v_(l−1) along g_x at y, (p, d_(l−1)); None for the first layer.
        v_yx: v_(l−1) along g_y at x.
    """

    u_xy: Tensor
    u_yx: Tensor
    v_xy: Tensor | None
    v_yx: Tensor | None


@dataclass(frozen=True)
class Block:
    """All pairs of x and y, or among x.

    Attributes:
        x: Examples along the rows.
        y: Examples along the columns; x itself where the pairs are those among x.
        grams: Products of their first-order vectors.
        xy: Tangents along g_x at y.
        yx: Tangents along g_y at x; None where they are those of `xy` with the axes swapped.
        workspace: Where the tangents live.
    """

    x: State
    y: State
    grams: Grams
    xy: Tangents
    yx: Tangents | None
    workspace: Workspace

    @classmethod
    def of(
        cls, loss: ExampleLoss, left: State, right: State | None, gauss_newton: bool, workspace: Workspace
    ) -> "Block":
        """Two backward passes over the grid, or one without `right`."""
        y = left if right is None else right
        grams = Grams.of(left, y)
        return cls(
            x=left,
            y=y,
            grams=grams,
            xy=tangents(loss, left, y, grams, 0, gauss_newton, workspace),
            yx=None if right is None else tangents(loss, left, y, grams, 1, gauss_newton, workspace),
            workspace=workspace,
        )

    @property
    def network(self) -> Network:
        """The network at the checkpoint."""
        return self.x.network

    def sums(self) -> GridSums:
        """Sums over the whole grid, one layer's products after the other."""
        sums = GridSums.zeros(len(self.x), len(self.y), self.x.losses.device)
        for place in range(len(self.network.layers)):
            sums.add(self._dots(place), self._gauss_newton_dots(place) if self.xy.u_gauss_newton else None)
        return sums

    def places(self) -> tuple[Tensor, Tensor]:
        """Row and column of every pair, ordered by a, then b."""
        device = self.x.losses.device
        if self.yx is None:
            rows, columns = torch.triu_indices(len(self.x), len(self.x), 1, device=device).unbind()
            return rows, columns
        grid = torch.arange(len(self.x) * len(self.y), device=device)
        return grid // len(self.y), grid % len(self.y)

    def tangents_at(self, place: int, rows: Tensor, columns: Tensor, gauss_newton: bool = False) -> PairTangents:
        """Of the layer at `place` for pairs in the order of `places`; with `gauss_newton`, û and no v.

        They live in the workspace until they are asked for again.
        """
        u = self._both("u_gauss_newton" if gauss_newton else "u", place, rows, columns)
        first = place == 0 or gauss_newton
        return PairTangents(*u, *((None, None) if first else self._both("v", place - 1, rows, columns)))

    def _both(self, kind: str, place: int, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Tangents along g_x at y and along g_y at x."""
        width = len(self.y)
        xy = getattr(self.xy, kind)[place].flatten(0, 1)
        if self.yx is None:
            back = columns * width + rows
            return self._rows(xy, rows * width + columns, f"{kind}-xy"), self._rows(xy, back, f"{kind}-yx")
        yx = getattr(self.yx, kind)[place].flatten(0, 1)
        if len(rows) == len(xy):
            return xy, yx
        places = rows * width + columns
        return self._rows(xy, places, f"{kind}-xy"), self._rows(yx, places, f"{kind}-yx")

    def _rows(self, grid: Tensor, places: Tensor, name: str) -> Tensor:
        out = self.workspace.room(f"pairs-{name}", (len(places), grid.shape[1]), grid.dtype, grid.device)
        return torch.index_select(grid, 0, places, out=out)

    def _dots(self, place: int) -> LayerDots:
        x, y, xy, yx = self.x, self.y, self.xy, self.yx
        v = None
        if place == 1:
            v = Dots.of_first(x, y, self.network.layers[0].overlap(self.grams.activations[0].xy))
        elif place > 1:
            v_yx = None if yx is None else yx.v[place - 1]
            v = Dots.of(xy.v[place - 1], v_yx, x.activations[place], y.activations[place], self.workspace)
        return LayerDots(
            layer=self.network.layers[place],
            u=Dots.of(
                xy.u[place], None if yx is None else yx.u[place], x.deltas[place], y.deltas[place], self.workspace
            ),
            v=v,
            A=self.grams.activations[place],
            D=self.grams.deltas[place],
        )

    def _gauss_newton_dots(self, place: int) -> GaussNewtonDots:
        share_xy, u_xy = self.xy.u_gauss_newton[place], self.xy.u[place]
        share_yx, u_yx = (None, None) if self.yx is None else (self.yx.u_gauss_newton[place], self.yx.u[place])
        own_xy = inner(share_xy, u_xy, self.workspace)
        u = Dots.of(share_xy, share_yx, self.x.deltas[place], self.y.deltas[place], self.workspace)
        if share_yx is None or u_yx is None:
            crossed = inner(share_xy, u_xy.transpose(0, 1), self.workspace)
            return GaussNewtonDots(u, own_xy, own_xy.T, crossed, crossed.T)
        return GaussNewtonDots(
            u,
            own_xy=own_xy,
            own_yx=inner(share_yx, u_yx, self.workspace),
            crossed_xy=inner(share_xy, u_yx, self.workspace),
            crossed_yx=inner(share_yx, u_xy, self.workspace),
        )
