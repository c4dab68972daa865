"""A bracket job as tiles of the pair matrix, and one summary per checkpoint."""

from itertools import pairwise
from math import ceil, isqrt, sqrt

from schemas.blocks import BracketSummary, BracketTile, JobId, Need
from schemas.brackets import Brackets
from schemas.data import count_examples
from service.planner.blocks import Plan, PlannedBlock, wanted_device
from service.planner.costs import Cost
from service.planner.limits import MAX_BLOCKS
from service.planner.memory import MAX_TILE_BYTES
from service.planner.training import checkpoint_name

TARGET_TILE_SECONDS = 5.0
SHORTEST_TILE_SECONDS = 1.0
TILES_PER_WORKER = 2

Span = tuple[int, int]


def parts(examples: int, checkpoints: int, cost: Cost, workers: int, pair_bytes: int = 0) -> int:
    """Into how many spans the N examples are cut.

    n spans make n(n + 1)/2 tiles per checkpoint. Tiles take about five seconds; where that leaves workers without a
    tile they get shorter, down to one second. A span has two examples at least, so that every tile holds a pair.
    A tile's object, of `pair_bytes` a pair, stays within what a worker can hold.
    """
    edge = max(2.0, sqrt(TARGET_TILE_SECONDS / (2 * cost.seconds_per_unit)))
    storable = max(2, isqrt(MAX_TILE_BYTES // max(1, pair_bytes)))
    count = ceil(examples / min(edge, storable))
    while (
        checkpoints * count * (count + 1) // 2 < TILES_PER_WORKER * workers
        and 2 * (examples / (count + 1)) ** 2 * cost.seconds_per_unit > SHORTEST_TILE_SECONDS
    ):
        count += 1
    most = isqrt(2 * (MAX_BLOCKS // checkpoints - 1)) - 1
    return max(1, min(count, examples // 2, most))


def spans(examples: int, count: int) -> list[Span]:
    """`count` half-open spans that cover 0 … examples, of lengths that differ by one at most."""
    ends = [examples * part // count for part in range(count + 1)]
    return list(pairwise(ends))


def plan_brackets(
    spec: Brackets, job_id: JobId, parent_id: JobId, cost: Cost, workers: int, micro: int, pair_bytes: int = 0
) -> Plan:
    """Phase 0: tiles, checkpoint by checkpoint. Phase 1: the summary of each checkpoint."""
    examples = count_examples(spec.examples)
    cut = spans(examples, parts(examples, len(spec.checkpoints), cost, workers, pair_bytes))
    device = wanted_device(spec.device)
    tiles = [
        PlannedBlock(
            phase=0,
            payload=BracketTile(step=step, rows=rows, columns=columns, micro=micro),
            needs=(Need(job_id=parent_id, name=checkpoint_name(step)),),
            device=device,
        )
        for step in spec.checkpoints
        for index, rows in enumerate(cut)
        for columns in cut[index:]
    ]
    summaries = [
        PlannedBlock(
            phase=1,
            payload=BracketSummary(step=step),
            needs=(Need(job_id=job_id, name=f"sums/{step:09d}/", prefix=True),),
        )
        for step in spec.checkpoints
    ]
    details = {
        "pairs": examples * (examples - 1) // 2 * len(spec.checkpoints),
        "tiles": len(tiles),
        "tile_edge": max(stop - start for start, stop in cut),
        "micro": micro,
        "seconds_per_pair": cost.seconds_per_unit,
        "measured": cost.measured,
    }
    return Plan([*tiles, *summaries], details)
