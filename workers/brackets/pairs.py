"""A tile of brackets by the generic path: any torch module, memory for one micro tile, reductions on the way.

Axes: N examples, n parameter tensors, T test examples, K outputs. A pair (x, y) holds [v_x, v_y] = H_y g_x − H_x g_y.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from workers.brackets.functional import Functional, Tensors
from workers.brackets.geometry import TileShape
from workers.brackets.gradients import FirstOrder, first_order
from workers.brackets.products import hessian_products, logit_perturbations
from workers.brackets.reductions import PairSums, reduce_pairs


@dataclass(frozen=True)
class TileTask:
    """What to compute about a tile.

    Attributes:
        shape: The pairs.
        micro: Edge of the micro tiles: memory holds micro² products of P numbers.
        test_inputs: (T, *input_shape), for logit perturbations; none if None.
        kept: Pairs (a, b) whose whole bracket is returned.
    """

    shape: TileShape
    micro: int
    test_inputs: Tensor | None = None
    kept: frozenset[tuple[int, int]] = frozenset()


@dataclass
class Tile:
    """Results by pair, in the order of `TileShape.index`; sums in float64, on the functional's device.

    Attributes:
        sums: One row per pair.
        losses: L_x by position.
        gradient_squares: ‖g_x‖² of every tensor by position, (n,).
        logits: J_t [v_x, v_y], (pairs, T, K), on the CPU; None without test examples.
        kept: Whole brackets on the CPU, by pair.
    """

    sums: PairSums
    losses: dict[int, Tensor] = field(default_factory=dict)
    gradient_squares: dict[int, Tensor] = field(default_factory=dict)
    logits: Tensor | None = None
    kept: dict[tuple[int, int], Tensors] = field(default_factory=dict)


def compute_tile(
    functional: Functional,
    inputs: Tensor,
    targets: Tensor,
    task: TileTask,
    pause: Callable[[], None] = lambda: None,
) -> Tile:
    """All brackets of a tile. Each product H_y g_x is taken once and its square terms are never formed.

    Micro tiles run over both spans; the gradients of the rows are held while their columns go by.

    Args:
        functional: The model at the checkpoint.
        inputs: (N, *input_shape): every chosen example.
        targets: (N, K).
        task: What to compute.
        pause: Called before every micro tile; what it raises ends the tile.
    """
    tile = Tile(sums=_empty_sums(functional, task.shape.pairs))
    left: tuple[range, FirstOrder] | None = None
    for rows, columns in task.shape.micro(task.micro):
        pause()
        if left is None or left[0] != rows:
            left = rows, _first_order(functional, inputs, targets, rows, tile)
        right = left[1] if columns == rows else _first_order(functional, inputs, targets, columns, tile)
        _micro_tile(functional, task, tile, rows, columns, left[1], right)
    return tile


@dataclass(frozen=True)
class Group:
    """The pairs of the first D rows with one column, whose place in its block is `second`.

    Attributes:
        second: Place of y.
        products_xy: H_y g_x, (D, *shape).
        products_yx: H_x g_y, (*shape), for each of the D examples x.
        gradients_x: g_x, (D, *shape).
        gradient_y: g_y, (*shape).
    """

    second: int
    products_xy: Tensors
    products_yx: list[Tensors]
    gradients_x: Tensors
    gradient_y: Tensors


def _micro_tile(
    functional: Functional,
    task: TileTask,
    tile: Tile,
    rows: range,
    columns: range,
    left: FirstOrder,
    right: FirstOrder,
) -> None:
    """Record the pairs of one micro tile. A function of its own, so that its products are gone before the next."""
    diagonal = rows == columns
    groups = _diagonal_products(functional, left) if diagonal else _rectangle_products(functional, left, right)
    for group in groups:
        _record(functional, task, tile, rows, columns.start + group.second, group)


def _diagonal_products(functional: Functional, block: FirstOrder) -> Iterator[Group]:
    """Products among the m examples of one block, m(m − 1) in all; then the pairs (a, b), a < b, b by b."""
    m = len(block)
    held: list[Tensors] = []
    for y in range(m if m > 1 else 0):
        others = [x for x in range(m) if x != y]
        directions = {name: gradient[others] for name, gradient in block.gradients.items()}
        held.append(hessian_products(functional, block.inputs[y], block.targets[y], directions))
    for y in range(1, m):
        # Among the directions at an example x < y, its own place is missing, so y stands at y − 1.
        yield Group(
            second=y,
            products_xy={name: product[:y] for name, product in held[y].items()},
            products_yx=_at(held[:y], y - 1),
            gradients_x={name: gradient[:y] for name, gradient in block.gradients.items()},
            gradient_y={name: gradient[y] for name, gradient in block.gradients.items()},
        )


def _rectangle_products(functional: Functional, left: FirstOrder, right: FirstOrder) -> Iterator[Group]:
    """Products between two blocks: those at the left examples are held, those at the right ones stream."""
    held = [hessian_products(functional, left.inputs[x], left.targets[x], right.gradients) for x in range(len(left))]
    for y in range(len(right)):
        yield Group(
            second=y,
            products_xy=hessian_products(functional, right.inputs[y], right.targets[y], left.gradients),
            products_yx=_at(held, y),
            gradients_x=left.gradients,
            gradient_y={name: gradient[y] for name, gradient in right.gradients.items()},
        )


def _at(held: Sequence[Tensors], place: int) -> list[Tensors]:
    return [{name: product[place] for name, product in products.items()} for products in held]


def _first_order(functional: Functional, inputs: Tensor, targets: Tensor, span: range, tile: Tile) -> FirstOrder:
    """Gradients of a span, noting their norms the first time round."""
    part = slice(span.start, span.stop)
    block = first_order(functional, inputs[part], targets[part])
    if span.start not in tile.losses:
        squares = block.squares()
        for place, position in enumerate(span):
            tile.losses[position] = block.losses[place]
            tile.gradient_squares[position] = squares[place]
    return block


def _record(functional: Functional, task: TileTask, tile: Tile, rows: range, second: int, group: Group) -> None:
    """Reduce a group of pairs into its places, and keep from it what was asked for."""
    firsts = rows[: len(group.products_yx)]
    places = [task.shape.index(first, second) for first in firsts]
    sums = reduce_pairs(group.products_xy, group.products_yx, group.gradients_x, group.gradient_y)
    for name in PairSums.__dataclass_fields__:
        getattr(tile.sums, name)[places] = getattr(sums, name)
    kept = [(place, first) for place, first in enumerate(firsts) if (first, second) in task.kept]
    if not kept and task.test_inputs is None:
        return
    brackets = {
        name: product - torch.stack([products[name] for products in group.products_yx])
        for name, product in group.products_xy.items()
    }
    if task.test_inputs is not None:
        moved = logit_perturbations(functional, task.test_inputs, brackets).cpu()
        if tile.logits is None:
            tile.logits = moved.new_zeros((task.shape.pairs, *moved.shape[1:]))
        tile.logits[places] = moved
    for place, first in kept:
        tile.kept[first, second] = {name: bracket[place].cpu() for name, bracket in brackets.items()}


def _empty_sums(functional: Functional, pairs: int) -> PairSums:
    device = next(iter(functional.parameters.values())).device

    def zeros(*shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.float64, device=device)

    return PairSums(
        squares=zeros(pairs, len(functional.parameters)),
        dot_x=zeros(pairs),
        dot_y=zeros(pairs),
        gradient_dot=zeros(pairs),
        square_xy=zeros(pairs),
        square_yx=zeros(pairs),
    )
