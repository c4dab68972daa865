"""Replica jobs in memory: their segments and what follows, as the dispatcher would run them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

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
from workers.outcome import Finished, Rows

NOISE: dict[str, Any] = {"kind": "gaussian", "epsilon": 0.1, "scale": "global"}


def replica_job(*arms: list[dict[str, Any]], replicas: int = 2, steps: int = 12, **changes: Any) -> Replicas:
    """A short job on digits; each arm is a list of perturbations. Keys of `training` may be among the changes."""
    training = {"kind": "training", "steps": steps, "batch_size": 16, **changes.pop("training", {})}
    looks = changes.pop("looks", {"kind": "every", "steps": 4})
    return Replicas.model_validate(
        {
            "training": training,
            "arms": [{"perturbations": list(arm), "replicas": replicas} for arm in arms or ([NOISE],)],
            "looks": looks,
            **changes,
        }
    )


@dataclass
class Ran:
    """Blocks of a job that were run, and what they stored."""

    spec: Replicas
    context: MemoryContext = field(default_factory=MemoryContext)
    objects: list[ObjectRef] = field(default_factory=list)

    def segment(
        self, start: int, stop: int, group: int = 0, replicas: tuple[int, int] | None = None, shrink: int = 0
    ) -> Finished:
        """Train a group, by default of all replicas, and keep what it stored for the blocks after it."""
        kept = {step for step in self.spec.training.checkpoints if start < step <= stop or step == start == 0}
        payload = ReplicaSegment(
            group=group,
            replicas=replicas or (0, self.spec.count),
            start=start,
            stop=stop,
            save=tuple(sorted({*kept, stop})),
        )
        finished = run(self.spec, payload, self.objects, self.context, shrink)
        self.objects += finished.objects
        return finished

    def paths(self, step: int, replicas: tuple[int, int], group: int = 0, first: int = 0) -> Finished:
        """Look between the baseline and some replicas of a group at a checkpoint."""
        payload = ReplicaPaths(step=step, group=group, first=first, replicas=replicas)
        return finished(self.spec, payload, self.objects, self.context)

    def stored(self, finished: Finished, name: str) -> dict[str, Any]:
        """Arrays of an object that a block stored."""
        (ref,) = (ref for ref in finished.objects if ref.name == name)
        return self.context.arrays(ref)


def trained(spec: Replicas, groups: Sequence[Span], ends: Sequence[int], context: MemoryContext) -> list[ObjectRef]:
    """The objects of all segments: groups of replicas, each trained from end to end of a segment."""
    ran = Ran(spec, context)
    for group, replicas in enumerate(groups):
        for start, stop in pairwise([0, *ends]):
            ran.segment(start, stop, group, replicas)
    return ran.objects


def compared(
    spec: Replicas, groups: Sequence[Span], objects: Sequence[ObjectRef], context: MemoryContext
) -> Finished:
    """The summary, after the paths and the correlations that the job asks for."""
    ran = Ran(spec, context, list(objects))
    found = list(objects)
    for group, replicas in enumerate(groups):
        if spec.alignment is not None or spec.barriers is not None:
            for step in spec.training.checkpoints:
                found += ran.paths(step, replicas, group, first=replicas[0]).objects
        if spec.autocorrelation:
            found += finished(spec, ReplicaCorrelations(group=group, replicas=replicas), objects, context).objects
    return finished(spec, ReplicaSummary(), found, context)


def finished(spec: Replicas, payload: AnyPayload, inputs: Sequence[ObjectRef], context: MemoryContext) -> Finished:
    """What a block finds."""
    return run(spec, payload, inputs, context, shrink=0)


def rows_by(rows: Rows, *keys: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Rows of a table by the values of some columns."""
    columns = {name: list(values) for name, values in rows.items()}
    count = len(next(iter(columns.values())))
    listed = [{name: _plain(values[place]) for name, values in columns.items()} for place in range(count)]
    return {tuple(row[key] for key in keys): row for row in listed}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
