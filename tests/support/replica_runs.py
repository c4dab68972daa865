"""Whole replica jobs in memory, block after block, as the planner cuts them."""

from collections.abc import Sequence
from itertools import pairwise

from schemas.blocks import (
    AnyPayload,
    ObjectRef,
    ReplicaCorrelations,
    ReplicaPaths,
    ReplicaSegment,
    ReplicaSummary,
    Span,
)
from schemas.replicas import Replicas
from tests.support.memory_context import MemoryContext
from workers.blocks.run import run
from workers.outcome import Finished


def trained(spec: Replicas, groups: Sequence[Span], ends: Sequence[int], context: MemoryContext) -> list[ObjectRef]:
    """The objects of all segments: groups of replicas, each trained from end to end of a segment."""
    objects: list[ObjectRef] = []
    for group, replicas in enumerate(groups):
        for start, stop in pairwise([0, *ends]):
            kept = {step for step in spec.training.checkpoints if start < step <= stop or step == start == 0}
            save = tuple(sorted({*kept, stop}))
            segment = ReplicaSegment(group=group, replicas=replicas, start=start, stop=stop, save=save)
            objects += finished(spec, segment, objects, context).objects
    return objects


def compared(
    spec: Replicas, groups: Sequence[Span], objects: Sequence[ObjectRef], context: MemoryContext
) -> Finished:
    """The summary, after the paths and the correlations that the job asks for."""
    found = list(objects)
    for group, replicas in enumerate(groups):
        if spec.alignment is not None or spec.barriers is not None:
            for step in spec.training.checkpoints:
                path = ReplicaPaths(step=step, group=group, first=replicas[0], replicas=replicas)
                found += finished(spec, path, objects, context).objects
        if spec.autocorrelation:
            found += finished(spec, ReplicaCorrelations(group=group, replicas=replicas), objects, context).objects
    return finished(spec, ReplicaSummary(), found, context)


def finished(spec: Replicas, payload: AnyPayload, inputs: Sequence[ObjectRef], context: MemoryContext) -> Finished:
    """What a block finds."""
    return run(spec, payload, inputs, context, shrink=0)
