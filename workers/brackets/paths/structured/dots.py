"""Inner products over a grid of pairs (mx, my), float64 whatever the factors are.

‖H_y g_x − H_x g_y‖² is a difference of such products and squares the cancellation in it: float32 sums would leave
nothing at |b|/|H_y g_x| = 1e-4, float64 sums of float32 tangents leave 2e-4.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.brackets.paths.structured.state import State
from workers.brackets.paths.structured.workspace import Workspace

NUMBERS = {"cpu": 2**20, "cuda": 2**24}
"""Numbers of a grid that are float64 at a time: 8 MiB on CPUs, 128 MiB elsewhere."""


@dataclass(frozen=True)
class Gram:
    """Products of vectors of the examples, q_x and q_y.

    Attributes:
        xx: |q_x|², (mx, 1).
        xy: q_x·q_y, (mx, my).
        yy: |q_y|², (1, my).
    """

    xx: Tensor
    xy: Tensor
    yy: Tensor

    @classmethod
    def of(cls, q_x: Tensor, q_y: Tensor) -> "Gram":
        """Of vectors (mx, d) and (my, d)."""
        q_x, q_y = q_x.double(), q_y.double()
        return cls(q_x.square().sum(1).unsqueeze(1), q_x @ q_y.T, q_y.square().sum(1).unsqueeze(0))

    def map(self, change: Callable[[Tensor], Tensor]) -> "Gram":
        """The same change of all entries."""
        return Gram(change(self.xx), change(self.xy), change(self.yy))


@dataclass(frozen=True)
class Grams:
    """Products of first-order vectors.

    Attributes:
        activations: Of a_0 … a_(L−1).
        deltas: Of δ_1 … δ_L.
    """

    activations: tuple[Gram, ...]
    deltas: tuple[Gram, ...]

    @classmethod
    def of(cls, x: State, y: State) -> "Grams":
        """Of two states."""
        return cls(
            tuple(Gram.of(a, b) for a, b in zip(x.activations, y.activations, strict=True)),
            tuple(Gram.of(a, b) for a, b in zip(x.deltas, y.deltas, strict=True)),
        )


@dataclass(frozen=True)
class Dots:
    """Products over a grid (mx, my) of the tangents t_xy along x at y and t_yx along y at x, both (mx, my, d).

    The other factors q_x and q_y are one vector per example. All fields are (mx, my).

    Attributes:
        xy_xy: |t_xy|².
        yx_yx: |t_yx|².
        xy_yx: t_xy·t_yx.
        xy_x: t_xy·q_x.
        xy_y: t_xy·q_y.
        yx_x: t_yx·q_x.
        yx_y: t_yx·q_y.
    """

    xy_xy: Tensor
    yx_yx: Tensor
    xy_yx: Tensor
    xy_x: Tensor
    xy_y: Tensor
    yx_x: Tensor
    yx_y: Tensor

    @classmethod
    def of(cls, xy: Tensor, yx: Tensor | None, q_x: Tensor, q_y: Tensor, workspace: Workspace) -> "Dots":
        """Of tangents in any dtype; without `yx` the grid is square and t_yx is t_xy with the axes swapped.

        Rows of the grid turn to float64 a few at a time where they are long: that bounds memory.
        """
        q_x, q_y = q_x.double().unsqueeze(1), q_y.double().unsqueeze(0)
        dots = torch.empty(7, *xy.shape[:2], dtype=torch.float64, device=xy.device)
        for part in _parts(xy):
            xy_xy, yx_yx, xy_yx, xy_x, xy_y, yx_x, yx_y = dots[:, part]
            forth = _wide(xy[part], "xy", workspace)
            room = workspace.room("products", tuple(forth.shape), torch.float64, xy.device)
            _dot(forth, q_x[part], room, xy_x)
            _dot(forth, q_y, room, xy_y)
            _square(forth, xy_xy)
            back = _wide((xy.transpose(0, 1) if yx is None else yx)[part], "yx", workspace)
            _dot(forth, back, room, xy_yx)
            if yx is not None:
                _square(back, yx_yx)
                _dot(back, q_x[part], room, yx_x)
                _dot(back, q_y, room, yx_y)
        xy_xy, yx_yx, xy_yx, xy_x, xy_y, yx_x, yx_y = dots
        return cls(xy_xy, xy_xy.T, xy_yx, xy_x, xy_y, xy_y.T, xy_x.T) if yx is None else cls(*dots)

    @classmethod
    def of_first(cls, x: State, y: State, overlap: Tensor) -> "Dots":
        """Of v_1 = φ′ ⊙ δ_1 s_0 and q = a_1: products of example vectors, so that no pair's vector is read.

        Args:
            x: Examples along the rows.
            y: Examples along the columns.
            overlap: s_0, (mx, my).
        """
        slope_x, delta_x, q_x = (t.double() for t in (x.slopes[0], x.deltas[0], x.activations[1]))
        slope_y, delta_y, q_y = (t.double() for t in (y.slopes[0], y.deltas[0], y.activations[1]))
        twice = overlap.square()
        return cls(
            xy_xy=twice * (delta_x.square() @ slope_y.square().T),
            yx_yx=twice * (slope_x.square() @ delta_y.square().T),
            xy_yx=twice * ((slope_x * delta_x) @ (slope_y * delta_y).T),
            xy_x=overlap * ((delta_x * q_x) @ slope_y.T),
            xy_y=overlap * (delta_x @ (slope_y * q_y).T),
            yx_x=overlap * ((slope_x * q_x) @ delta_y.T),
            yx_y=overlap * (slope_x @ (delta_y * q_y).T),
        )


def inner(left: Tensor, right: Tensor, workspace: Workspace) -> Tensor:
    """Σ over the last axis of two grids, float64 (mx, my)."""
    dots = torch.empty(left.shape[:2], dtype=torch.float64, device=left.device)
    for part in _parts(left):
        first, second = _wide(left[part], "xy", workspace), _wide(right[part], "yx", workspace)
        room = workspace.room("products", tuple(first.shape), torch.float64, left.device)
        _dot(first, second, room, dots[part])
    return dots


def _parts(grid: Tensor) -> Iterator[slice]:
    """Rows that turn to float64 together."""
    height = max(1, NUMBERS.get(grid.device.type, NUMBERS["cuda"]) // grid[0].numel())
    for start in range(0, len(grid), height):
        yield slice(start, start + height)


def _wide(grid: Tensor, name: str, workspace: Workspace) -> Tensor:
    """The grid in float64, in the workspace's room of that name if it was not float64 already."""
    if grid.dtype == torch.float64:
        return grid
    return workspace.room(f"wide-{name}", tuple(grid.shape), torch.float64, grid.device).copy_(grid)


def _dot(left: Tensor, right: Tensor, room: Tensor, out: Tensor) -> None:
    """Σ over the last axis; `room` takes the products."""
    torch.sum(torch.mul(left, right, out=room), dim=2, out=out)


def _square(grid: Tensor, out: Tensor) -> None:
    """|…|² over the last axis; the norm's kernel reads once and writes no products."""
    torch.linalg.vector_norm(grid, dim=2, out=out).square_()
