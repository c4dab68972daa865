"""Pairs whose bracket is a small difference of large products, computed again in float64.

Rounding errors of [v_a, v_b] = H_b g_a − H_a g_b, relative to itself, are those of the products divided by the
cancellation ‖b‖ / (‖H_b g_a‖ + ‖H_a g_b‖): below 1e-3, three of the seven digits of float32 are gone.

Axes: N examples, p pairs, n parameter tensors, T test examples, K outputs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from workers.brackets.paths.path import BracketPath, FirstOrder, PairBlock, Wanted
from workers.brackets.paths.reductions import GaussNewtonSums, PairSums
from workers.brackets.tiles.tile import Flags, Tile, TileTask
from workers.precision import doubled

THRESHOLD = 1e-3
"""Cancellation below which a pair is taken in float64."""

COMPARED = 1024
"""Pairs of examples compared at a time."""

Integers = np.ndarray[Any, np.dtype[np.int64]]
S = TypeVar("S", bound=FirstOrder)


def recompute_cancelled(
    path: BracketPath[Any, Any],
    inputs: Tensor,
    targets: Tensor,
    tile: Tile,
    task: TileTask,
    test_inputs: Tensor | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Flags:
    """Put float64 numbers in place of those of the cancelled pairs of a tile; costs nothing when there are none.

    Two examples that are equal have the bracket 0, exactly, and are not computed again; neither is anything when the
    tile was computed in float64. Passes have half the edge of a micro tile, since numbers are twice as long.

    Args:
        path: The path that computed the tile.
        inputs: Of all N examples, (N, *input_shape).
        targets: (N, K).
        tile: Changed in place: sums, Gauss–Newton sums, logits and kept brackets.
        task: What the tile was asked for.
        test_inputs: Test examples (T, *input_shape), where logits are wanted.
        pause: Called before every pass; what it raises ends the work.

    Returns:
        Which pairs were cancelled, by place, (p,).
    """
    flags = cancelled(tile.sums)
    if not flags.any():
        return flags
    places = np.flatnonzero(flags)
    same = identical(inputs, targets, task.shape.members()[places])
    store = _Store(tile, task)
    store.erase(places[same])
    if next(iter(tile.losses.values())).dtype == torch.float64 or same.all():
        return flags
    left = flags.copy()
    left[places[same]] = False
    double = path.double()
    tests = None if test_inputs is None or task.moved is None else double.tests(doubled(test_inputs))
    for rows, columns, at in _passes(task, left):
        pause()
        wanted = np.flatnonzero(left[at])
        moved, kept = (
            [] if chosen is None else [place for place in wanted.tolist() if chosen[at[place]]]
            for chosen in (task.moved, task.kept)
        )
        first = exact_state(double, inputs, targets, rows)
        second = None if columns is None else exact_state(double, inputs, targets, columns)
        block = double.pairs(first, second, Wanted(task.gauss_newton, tests, moved, kept))
        store.put(at, wanted, moved, kept, block)
    return flags


def cancelled(sums: PairSums) -> Flags:
    """Which pairs have a cancellation below the threshold, bool (p,); those whose products vanish have not."""
    products = sums.square_xy.sqrt() + sums.square_yx.sqrt()
    flags: Flags = (sums.squares.sum(1).sqrt() < THRESHOLD * products).cpu().numpy()
    return flags


def identical(inputs: Tensor, targets: Tensor, pairs: Integers) -> Flags:
    """Which pairs (p, 2) of positions hold two examples with equal inputs and targets: bool (p,)."""
    flags = [np.zeros(0, dtype=np.bool_)]
    for part in torch.split(torch.from_numpy(pairs).to(inputs.device), COMPARED):
        a, b = part.unbind(1)
        same = [(values[a] == values[b]).flatten(1).all(1) for values in (inputs, targets)]
        flags.append((same[0] & same[1]).cpu().numpy())
    return np.concatenate(flags)


def exact_state(path: BracketPath[S, Any], inputs: Tensor, targets: Tensor, positions: Sequence[int]) -> S:
    """First-order state of examples by position, for a path in float64."""
    chosen = torch.tensor(positions, device=inputs.device)
    return path.first_order(doubled(inputs[chosen]), targets[chosen].double())


def _passes(task: TileTask, left: Flags) -> Iterator[tuple[Sequence[int], Sequence[int] | None, Integers]]:
    """Rows, columns and places of the pairs between them, so that every flagged pair is in one pass.

    Where more than a quarter of a micro tile is flagged it is one pass, for first-order work is then shared best;
    else each row with its own columns is.
    """
    members = task.shape.members()
    for rows, columns in task.shape.micro(max(1, task.micro // 2)):
        at = task.shape.places(rows, columns)
        flagged = at[left[at]]
        if 4 * len(flagged) > len(at):
            yield rows, None if rows == columns else columns, at
            continue
        firsts = members[flagged, 0]
        for row in np.unique(firsts).tolist():
            those = flagged[firsts == row]
            yield [row], members[those, 1].tolist(), those


@dataclass(frozen=True)
class _Store:
    """Writes numbers into a tile."""

    tile: Tile
    task: TileTask

    def put(self, at: Integers, wanted: Integers, moved: list[int], kept: list[int], block: PairBlock) -> None:
        """Write the `wanted` pairs of a block, whose places in the tile are `at`."""
        device = self.tile.sums.squares.device
        source, goal = torch.from_numpy(wanted).to(device), torch.from_numpy(at[wanted]).to(device)
        for held, found in ((self.tile.sums, block.sums), (self.tile.gauss_newton, block.gauss_newton)):
            if held is not None and found is not None:
                for column in fields(held):
                    getattr(held, column.name)[goal] = getattr(found, column.name)[source]
        if self.tile.logits is not None and block.logits is not None:
            self.tile.logits[self._ranks(at[moved])] = block.logits.to("cpu", self.tile.logits.dtype)
        for place, bracket in zip(at[kept].tolist(), block.brackets, strict=True):
            old = self.tile.kept[place]
            self.tile.kept[place] = {name: tensor.to(old[name]) for name, tensor in bracket.items()}

    def erase(self, places: Integers) -> None:
        """Make these brackets 0; the products they are the difference of stay."""
        goal = torch.from_numpy(places).to(self.tile.sums.squares.device)
        for column in ("squares", "dot_x", "dot_y"):
            getattr(self.tile.sums, column)[goal] = 0
        if self.tile.gauss_newton is not None:
            for share in fields(GaussNewtonSums):
                getattr(self.tile.gauss_newton, share.name)[goal] = 0
        if self.tile.logits is not None and self.task.moved is not None:
            self.tile.logits[self._ranks(places[self.task.moved[places]])] = 0
        for place in places.tolist():
            if place in self.tile.kept:
                self.tile.kept[place] = {n: torch.zeros_like(t) for n, t in self.tile.kept[place].items()}

    def _ranks(self, places: Integers) -> Tensor:
        """Rows of the tile's logits that hold these places."""
        if self.task.moved is None:
            return torch.zeros(0, dtype=torch.int64)
        return torch.from_numpy((np.cumsum(self.task.moved) - 1)[places])
