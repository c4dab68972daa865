"""Pairs of orders of the same examples: from what a spec asks for to lists of train-split indices."""

from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np

from schemas.reorderings import ListedOrders, Shuffles, Swaps, count_reorderings
from workers.brackets.sampling import sampled_pairs
from workers.errors import BlockFault, UserFault
from workers.streams import Stream, generator

Integers = np.ndarray[Any, np.dtype[np.int64]]
Order = tuple[int, ...]


@dataclass(frozen=True)
class Reordering:
    """Two orders of the same examples, by train-split index, each example once.

    Attributes:
        first: σ.
        second: τ, against which σ is compared.
    """

    first: Order
    second: Order


def reorderings(
    spec: Swaps | Shuffles | ListedOrders, chosen: Integers, size: int, start: int, stop: int
) -> list[Reordering]:
    """Reorderings [start, stop), the same however a job is cut into blocks.

    Swaps are (i, j) against (j, i) with i < j, ascending. A shuffle is drawn from a stream of its own number and
    compared with the ascending order.

    Args:
        spec: What is asked for.
        chosen: Train-split indices of the chosen examples, ascending, (N,).
        size: Examples in the train split.
        start: First reordering.
        stop: One past the last.

    Raises:
        BlockFault: there are not that many.
        UserFault: a listed order names an example beyond the train split.
    """
    count = count_reorderings(spec, len(chosen))
    if not 0 <= start < stop <= count:
        raise BlockFault(f"reorderings [{start}, {stop}) were asked for, the job has {count}")
    match spec:
        case Swaps():
            drawn = chosen[sampled_pairs(len(chosen), spec.count, spec.seed, Stream.ORDERS)[start:stop]].tolist()
            return [Reordering((i, j), (j, i)) for i, j in drawn]
        case Shuffles():
            ascending = tuple(chosen.tolist())
            draws = [generator(spec.seed, Stream.ORDERS, number) for number in range(start, stop)]
            return [Reordering(tuple(draw.permutation(chosen).tolist()), ascending) for draw in draws]
        case ListedOrders():
            return [_listed(place, *spec.orders[place], size) for place in range(start, stop)]
        case _:
            assert_never(spec)


def _listed(place: int, first: Order, second: Order, size: int) -> Reordering:
    if max(first) >= size:
        raise UserFault(
            f"orders {place} names example {max(first)} of the train split, which has {size} (0 … {size - 1}): "
            "choose among those"
        )
    return Reordering(first, second)
