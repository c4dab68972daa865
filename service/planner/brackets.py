"""A bracket job as blocks, stage by stage; a stage is a phase where it has blocks.

1. What depends on a checkpoint alone: tiles of the pair matrix, projections, minibatches, reorderings.
2. The summary of each checkpoint.
3. Logit perturbations of the pairs that the summary selected.
4. How far each output moves.

Within a stage blocks stand checkpoint by checkpoint, tiles row by row, so that a worker that takes them in turn loads
a checkpoint once and meets the same examples again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import Any

from schemas.blocks import (
    AnyPayload,
    BracketMinibatches,
    BracketOutputs,
    BracketPerturbations,
    BracketProjections,
    BracketReorderings,
    BracketSummary,
    BracketTile,
    JobId,
    Need,
)
from schemas.brackets import Brackets, Path, TopPairs
from schemas.data import count_examples
from schemas.reorderings import count_reorderings
from schemas.targets import SavedDirection
from service.planner.blocks import Plan, PlannedBlock, wanted_device
from service.planner.costs import Cost
from service.planner.cut import Span, list_spans, spans, tile_spans
from service.planner.memory import MAX_TILE_BYTES
from service.planner.training import checkpoint_name

MAX_PROJECTED_ROWS = 500_000
"""Rows of the table `projections` from one block: they travel in one message and in one COPY."""


@dataclass(frozen=True)
class Bounds:
    """What bounds the blocks of a bracket job.

    Attributes:
        path: The way of computing brackets that workers will probably choose.
        micro: Edge of the inner tiles.
        pair_bytes: What a pair adds to the object of its tile.
        moved_bytes: What the logit perturbations of a pair take.
        projected_rows: Most examples whose gradients a block of projections holds.
        projected_micro: Examples that go by at once in a projection.
    """

    path: Path
    micro: int
    pair_bytes: int = 0
    moved_bytes: int = 0
    projected_rows: int = 1
    projected_micro: int = 1


@dataclass(frozen=True)
class _Cuts:
    """The spans into which a checkpoint's work is cut: the same at every checkpoint."""

    tiles: list[Span]
    projections: list[tuple[Span, Span]]
    minibatches: list[Span]
    reorderings: list[Span]
    perturbations: list[Span]


def plan_brackets(
    spec: Brackets, job_id: JobId, parent_id: JobId, costs: Mapping[str, Cost], bounds: Bounds, workers: int
) -> Plan:
    """The blocks of a bracket job.

    Args:
        spec: The pinned spec.
        job_id: The job.
        parent_id: Its training run.
        costs: Seconds of a unit of each kind of block (`service.planner.costs.units`).
        bounds: What a block may hold.
        workers: Slots to keep busy.
    """
    cuts = _cuts(spec, costs, bounds, workers)
    device = wanted_device(spec.device)

    def saved(payload: AnyPayload) -> tuple[Need, ...]:
        if not isinstance(payload, BracketProjections):
            return ()
        targets = spec.projections[slice(*payload.targets)]
        saved = (target for target in targets if isinstance(target, SavedDirection))
        return tuple(Need(job_id=target.job_id, name=target.object) for target in saved)

    def checkpoint(step: int) -> Need:
        return Need(job_id=parent_id, name=checkpoint_name(step))

    def own(name: str, step: int, *, prefix: bool = True) -> Need:
        return Need(job_id=job_id, name=f"{name}/{step:09d}" + ("/" if prefix else ""), prefix=prefix)

    blocks = list[PlannedBlock]()

    def stage(made: Iterable[tuple[AnyPayload, tuple[Need, ...]]]) -> None:
        phase = blocks[-1].phase + 1 if blocks else 0
        blocks.extend([PlannedBlock(phase, payload, needs, device) for payload, needs in made])

    stage(
        (payload, (checkpoint(step), *saved(payload)))
        for step in spec.checkpoints
        for payload in _first(step, cuts, bounds)
    )
    stage(
        (BracketSummary(step=step), tuple(own(name, step) for name in _summarised(spec)))
        for step in spec.checkpoints
        if _summarised(spec)
    )
    stage(
        (
            BracketPerturbations(step=step, start=start, stop=stop, micro=bounds.micro**2),
            (checkpoint(step), own("selected", step, prefix=False)),
        )
        for step in spec.checkpoints
        for start, stop in cuts.perturbations
    )
    stage(
        (BracketOutputs(step=step), (checkpoint(step), own(moved_under(spec), step)))
        for step in spec.checkpoints
        if spec.perturbed != "none"
    )
    return Plan(blocks, _details(spec, costs, bounds, cuts, blocks))


def moved_under(spec: Brackets) -> str:
    """Under which name the blocks that move logits keep their sums."""
    return "moved" if isinstance(spec.perturbed, TopPairs) else "sums"


def _first(step: int, cuts: _Cuts, bounds: Bounds) -> Iterator[AnyPayload]:
    for index, rows in enumerate(cuts.tiles):
        for columns in cuts.tiles[index:]:
            yield BracketTile(step=step, rows=rows, columns=columns, micro=bounds.micro)
    for rows, targets in cuts.projections:
        yield BracketProjections(step=step, rows=rows, targets=targets, micro=bounds.projected_micro)
    for start, stop in cuts.minibatches:
        yield BracketMinibatches(step=step, start=start, stop=stop)
    for start, stop in cuts.reorderings:
        yield BracketReorderings(step=step, start=start, stop=stop)


def _summarised(spec: Brackets) -> tuple[str, ...]:
    """Under which names a summary finds what it reduces."""
    return (*(["sums"] if spec.norms else []), *(["reordered"] if spec.reorderings else []))


def _cuts(spec: Brackets, costs: Mapping[str, Cost], bounds: Bounds, workers: int) -> _Cuts:
    examples, checkpoints = count_examples(spec.examples), len(spec.checkpoints)

    def listed(kind: str, items: int, most: int | None = None) -> list[Span]:
        return list_spans(items, checkpoints, costs[kind], workers, most) if items else []

    orders, batches = spec.reorderings, len(spec.minibatches)
    return _Cuts(
        tiles=tile_spans(examples, checkpoints, costs["bracket_tile"], workers, bounds.pair_bytes)
        if spec.norms
        else [],
        projections=projection_spans(examples, len(spec.projections), bounds),
        minibatches=listed("bracket_minibatches", batches * (batches - 1) // 2),
        reorderings=listed("bracket_reorderings", count_reorderings(orders.orders, examples) if orders else 0),
        perturbations=listed(
            "bracket_perturbations", selected_pairs(spec), max(1, MAX_TILE_BYTES // max(1, bounds.moved_bytes))
        ),
    )


def projection_spans(examples: int, targets: int, bounds: Bounds) -> list[tuple[Span, Span]]:
    """Rows and targets of the blocks of projections on a checkpoint; each pair and target is in one.

    Every further span of rows takes the products of all later examples again, a further span of targets only their
    gradients: targets are parted first.
    """
    if not targets:
        return []
    pairs = examples * (examples - 1) // 2
    together = max(1, min(targets, MAX_PROJECTED_ROWS // pairs))
    # The last example is first in no pair.
    rows = examples - 1
    if pairs * together > MAX_PROJECTED_ROWS:
        rows = max(1, MAX_PROJECTED_ROWS // examples)
    rows = min(rows, bounds.projected_rows)
    return list(product(spans(examples - 1, ceil((examples - 1) / rows)), spans(targets, ceil(targets / together))))


def selected_pairs(spec: Brackets) -> int:
    """How many pairs the summary of a checkpoint selects for logit perturbations."""
    examples = count_examples(spec.examples)
    top = spec.perturbed
    return min(top.count, examples * (examples - 1) // 2) if isinstance(top, TopPairs) else 0


def _details(
    spec: Brackets, costs: Mapping[str, Cost], bounds: Bounds, cuts: _Cuts, blocks: list[PlannedBlock]
) -> dict[str, Any]:
    examples = count_examples(spec.examples)
    details: dict[str, Any] = {
        "pairs": examples * (examples - 1) // 2 * len(spec.checkpoints),
        "blocks": dict(Counter(block.payload.kind for block in blocks)),
        "likely_path": bounds.path,
        "seconds_per_unit": {kind: cost.seconds_per_unit for kind, cost in costs.items()},
        "measured": sorted(kind for kind, cost in costs.items() if cost.measured),
    }
    if cuts.tiles:
        details |= {"tile_edge": max(stop - start for start, stop in cuts.tiles), "micro": bounds.micro}
    return details
