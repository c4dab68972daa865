"""A replica job as blocks, phase by phase.

1. Groups of replicas are trained side by side, segment k of every group in phase k; beside it stands the k-th block
   of the Lyapunov exponents, which follow the baseline by themselves.
2. Once all are trained: paths at every checkpoint, correlations of every group.
3. The summary.

How replicas are grouped, and where segments end, changes no bit of a replica.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any

from schemas.blocks import (
    AnyPayload,
    JobId,
    Need,
    ReplicaCorrelations,
    ReplicaExponents,
    ReplicaPaths,
    ReplicaSegment,
    ReplicaSummary,
)
from schemas.replicas import Replicas
from service.planner.blocks import COMPUTE_TIMEOUT_SECONDS, Plan, PlannedBlock, wanted_device
from service.planner.ceilings import MAX_BLOCKS
from service.planner.costs import Cost, MeasuredDevice, members, units
from service.planner.cut import Span, list_spans, spans
from service.planner.training import segment_ends

SEGMENT_SECONDS = 30.0
"""What a killed worker loses at most."""
MAX_SEGMENT_ROWS = 500_000
"""Rows of one table from one segment: they travel in one message and in one COPY."""
FEWEST: dict[MeasuredDevice, int] = {"cpu": 4, "cuda": 64}
"""Replicas for which another group is worth its baseline and twin, and on a GPU its share of a busy device."""
MOST_OVERTIME = 10
"""How many times longer than expected a block may take before it counts as hanging."""


@dataclass(frozen=True)
class Crew:
    """Who trains the groups, and what bounds a block.

    Attributes:
        device: Where most blocks run.
        workers: Slots to keep busy.
        most: Most replicas that fit a worker's memory.
        tensors: Parameter tensors of the model.
        checkpoint_seconds: What a look at one member takes at a checkpoint, beside the steps before it.
    """

    device: MeasuredDevice
    workers: int
    most: int
    tensors: int
    checkpoint_seconds: float


def plan_replicas(spec: Replicas, job_id: JobId, costs: Mapping[str, Cost], crew: Crew) -> Plan:
    """The blocks of a replica job.

    Args:
        spec: The pinned spec.
        job_id: The job.
        costs: Seconds of a unit of each kind of block (`service.planner.costs.units`).
        crew: Workers and bounds.
    """
    device = wanted_device(spec.training.device)
    grouped = groups(spec, crew)
    ends = replica_ends(spec, grouped, costs["replica_segment"], crew)

    def own(*names: str, prefix: bool = False) -> tuple[Need, ...]:
        return tuple(Need(job_id=job_id, name=name, prefix=prefix) for name in names)

    phases: list[list[tuple[AnyPayload, tuple[Need, ...]]]] = [
        [
            (
                ReplicaSegment(group=group, replicas=replicas, start=start, stop=stop, save=save),
                own(state_name(start, group)) if start else (),
            )
            for group, replicas in enumerate(grouped)
        ]
        for start, stop, save in _segments(spec, ends)
    ]
    for phase, (start, stop) in enumerate(_exponents(spec, costs)):
        if phase == len(phases):
            phases.append([])
        # First in its phase, so that the longest block is not the last to begin.
        needs = own(exponents_name(start)) if start else ()
        phases[phase].insert(0, (ReplicaExponents(start=start, stop=stop), needs))
    phases.append([(path, own(state_name(path.step, path.group))) for path in _paths(spec, grouped, costs, crew)])
    if spec.autocorrelation:
        phases[-1] += [
            (
                ReplicaCorrelations(group=group, replicas=replicas),
                own(*(state_name(step, group) for step in spec.training.checkpoints)),
            )
            for group, replicas in enumerate(grouped)
        ]
    measured = {"paths/": spec.alignment or spec.barriers, "correlations/": spec.autocorrelation}
    reduced = ("looks/", *(name for name, wanted in measured.items() if wanted))
    phases.append([(ReplicaSummary(), own(*reduced, prefix=True))])
    blocks = [
        PlannedBlock(phase, payload, needs, device, _timeout(payload, costs, crew))
        for phase, made in enumerate(filter(None, phases))
        for payload, needs in made
    ]
    return Plan(blocks, _details(spec, costs, grouped, ends, blocks))


def groups(spec: Replicas, crew: Crew) -> list[Span]:
    """Spans of replicas that are trained together, equal to within one.

    As few groups as memory and the spec allow; more where that keeps workers busy; whole rounds of all workers.
    """
    needed = ceil(spec.count / min(crew.most, spec.group_size or crew.most))
    number = max(needed, min(crew.workers, ceil(spec.count / FEWEST[crew.device])))
    if number > crew.workers:
        number = ceil(number / crew.workers) * crew.workers
    return spans(spec.count, min(number, spec.count))


def replica_ends(spec: Replicas, grouped: list[Span], cost: Cost, crew: Crew) -> list[int]:
    """Where segments end: at every checkpoint, and between those after so many seconds or rows."""
    largest = max(members(replicas) for replicas in grouped)
    longest = max(1, int(SEGMENT_SECONDS / (largest * cost.seconds_per_unit)))
    # Half of all blocks are left to what follows.
    longest = max(longest, ceil(2 * spec.training.steps * len(grouped) / MAX_BLOCKS))
    rows = (largest - 1) * (crew.tensors if spec.measures.tensors else 1)
    together = max(1, MAX_SEGMENT_ROWS // rows)
    looked_at, ends, start = spec.looked_at, list[int](), 0
    for end in segment_ends(spec.training, longest):
        seen = looked_at[bisect_right(looked_at, start) : bisect_right(looked_at, end)]
        parts = max(1, ceil(len(seen) / together))
        ends += [seen[len(seen) * part // parts - 1] for part in range(1, parts)] + [end]
        start = end
    return ends


def state_name(step: int, group: int) -> str:
    """Object name of a group's state at a step."""
    return f"states/{step:09d}/{group:05d}"


def exponents_name(step: int) -> str:
    """Object name of tangents and sums at a step."""
    return f"exponents/{step:09d}"


def _segments(spec: Replicas, ends: list[int]) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Start, stop, and what is saved, of each segment."""
    zero = (0,) if 0 in spec.training.checkpoints and ends != [0] else ()
    for start, stop in pairwise([0, *ends]):
        yield start, stop, (*(zero if start == 0 else ()), stop)


def _exponents(spec: Replicas, costs: Mapping[str, Cost]) -> list[Span]:
    """Spans of steps between which tangents are carried on; they meet at orthonormalisations."""
    steps = spec.training.steps
    if spec.lyapunov is None or steps == 0:
        return []
    every = spec.lyapunov.every
    rounds = ceil(steps / every)
    longest = max(1, int(SEGMENT_SECONDS / (every * costs["replica_exponents"].seconds_per_unit)))
    parts = min(ceil(rounds / longest), MAX_BLOCKS // 4)
    return [(every * start, min(every * stop, steps)) for start, stop in spans(rounds, parts)]


def _paths(spec: Replicas, grouped: list[Span], costs: Mapping[str, Cost], crew: Crew) -> Iterator[ReplicaPaths]:
    """Blocks of a few seconds, checkpoint by checkpoint."""
    if spec.alignment is None and spec.barriers is None:
        return
    checkpoints = spec.training.checkpoints
    cuts = [
        list_spans(stop - first, len(checkpoints) * len(grouped), costs["replica_paths"], crew.workers)
        for first, stop in grouped
    ]
    for step in checkpoints:
        for group, (first, _) in enumerate(grouped):
            for start, stop in cuts[group]:
                replicas = (first + start, first + stop)
                yield ReplicaPaths(step=step, group=group, first=first, replicas=replicas)


def _timeout(payload: AnyPayload, costs: Mapping[str, Cost], crew: Crew) -> float:
    """An hour; more for a block that cannot be cut so far that it takes less."""
    cost, work = costs.get(payload.kind), units(payload)
    expected = cost.seconds_per_unit * work if cost is not None and work is not None else 0.0
    if isinstance(payload, ReplicaSegment):
        expected += len(payload.save) * members(payload.replicas) * crew.checkpoint_seconds
    return max(COMPUTE_TIMEOUT_SECONDS, MOST_OVERTIME * expected)


def _details(
    spec: Replicas, costs: Mapping[str, Cost], grouped: list[Span], ends: list[int], blocks: list[PlannedBlock]
) -> dict[str, Any]:
    return {
        "replicas": spec.count,
        "groups": len(grouped),
        "largest_group": max(stop - start for start, stop in grouped),
        "segments": len(ends),
        "blocks": dict(Counter(block.payload.kind for block in blocks)),
        "seconds_per_unit": {kind: cost.seconds_per_unit for kind, cost in costs.items()},
        "measured": sorted(kind for kind, cost in costs.items() if cost.measured),
    }
