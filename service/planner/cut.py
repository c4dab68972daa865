"""Cutting work into blocks of a few seconds, without leaving workers idle."""

from collections.abc import Callable
from itertools import pairwise
from math import ceil, isqrt, sqrt

from service.planner.ceilings import MAX_BLOCKS
from service.planner.costs import Cost
from service.planner.memory import MAX_TILE_BYTES

TARGET_SECONDS = 5.0
SHORTEST_SECONDS = 1.0
BLOCKS_PER_WORKER = 2
MOST_IDLE = 0.05
"""Share of the time of all workers that may be lost at the end of a job."""

Span = tuple[int, int]


def tile_spans(examples: int, checkpoints: int, cost: Cost, workers: int, pair_bytes: int = 0) -> list[Span]:
    """Spans of N examples between which the tiles of a pair matrix lie.

    n spans make n(n + 1)/2 tiles per checkpoint. Tiles take about five seconds; where that leaves workers without a
    tile they get shorter, down to one second. A span has two examples at least, so that every tile holds a pair.

    Args:
        examples: N.
        checkpoints: How many pair matrices there are.
        cost: Of an ordered pair.
        workers: Slots to keep busy.
        pair_bytes: What a pair adds to the object of its tile, which stays within what a worker can hold.
    """
    edge = max(2.0, sqrt(TARGET_SECONDS / (2 * cost.seconds_per_unit)))
    storable = max(2, isqrt(MAX_TILE_BYTES // max(1, pair_bytes)))
    count = ceil(examples / min(edge, storable))
    while (
        checkpoints * count * (count + 1) // 2 < BLOCKS_PER_WORKER * workers
        and _seconds(examples, count + 1, cost) > SHORTEST_SECONDS
    ):
        count += 1
    count = _even(count, checkpoints, workers, lambda spans: _seconds(examples, spans, cost) > SHORTEST_SECONDS)
    most = isqrt(2 * (MAX_BLOCKS // checkpoints - 1)) - 1
    return spans(examples, max(1, min(count, examples // 2, most)))


def _seconds(examples: int, count: int, cost: Cost) -> float:
    """What a tile between two of `count` spans takes."""
    return 2 * (examples / count) ** 2 * cost.seconds_per_unit


def _even(count: int, checkpoints: int, workers: int, fits: Callable[[int], bool]) -> int:
    """`count`, or one or two more where that leaves workers less idle at the end.

    Counted in tiles on the diagonal, which are half of the others, n spans make n² at each checkpoint: three spans
    are nine, and the second of two workers waits while the first computes the last of five.
    """

    def idle(spans: int) -> float:
        halves = checkpoints * spans**2
        return ceil(halves / workers) * workers / halves - 1

    if idle(count) <= MOST_IDLE:
        return count
    return min((spans for spans in range(count, count + 3) if spans == count or fits(spans)), key=idle)


def list_spans(items: int, checkpoints: int, cost: Cost, workers: int, most: int | None = None) -> list[Span]:
    """Spans of a list whose items cost the same: about five seconds each, shorter where workers would be idle.

    Args:
        items: Length of the list.
        checkpoints: How often it is worked through.
        cost: Of an item.
        workers: Slots to keep busy.
        most: Most items of a span.
    """
    seconds = items * cost.seconds_per_unit
    idle = ceil(BLOCKS_PER_WORKER * workers / checkpoints)
    count = max(ceil(seconds / TARGET_SECONDS), min(idle, int(seconds / SHORTEST_SECONDS)), 1)
    if most is not None:
        count = max(count, ceil(items / most))
    return spans(items, max(1, min(count, items, MAX_BLOCKS // checkpoints)))


def spans(items: int, count: int) -> list[Span]:
    """`count` half-open spans that cover 0 … items, of lengths that differ by one at most."""
    ends = [items * part // count for part in range(count + 1)]
    return list(pairwise(ends))
