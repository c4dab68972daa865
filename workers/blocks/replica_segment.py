"""Train a group of replicas from one step to another, measuring and saving on the way.

Axes: R members of the group, L looks.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import torch

from schemas.blocks import ObjectRef, ReplicaSegment
from schemas.replicas import Replicas
from workers.context import Context
from workers.data import load
from workers.data.dataset import Dataset
from workers.determinism import deterministic
from workers.errors import UserFault
from workers.inputs import needed
from workers.outcome import Finished
from workers.precision import torch_dtype
from workers.replicas.group import Group, twin_number
from workers.replicas.record import COMMON, LOOK_AXES, METRIC_AXES, ONE_ROW_A_LOOK, Record, members_of

CANCEL_CHECK_STEPS = 8


def replica_segment(
    spec: Replicas, payload: ReplicaSegment, inputs: Sequence[ObjectRef], context: Context, shrink: int
) -> Finished:
    """Train a group from `start` to `stop`; store its states and what was measured.

    After running out of memory the group is trained in parts, one after the other, which changes no bit.

    Raises:
        UserFault: the run or a perturbation cannot be made, or the baseline is no longer finite; what was measured by
            then is in its `partial`.
        MemoryFault: the group did not fit.
        Cancelled: the block was told to stop.
    """
    with deterministic():
        dataset = load(spec.training.data, context, torch_dtype(spec.training.dtype))
        parts = _halves(payload.replicas, shrink)
        trained = [_train(spec, payload, replicas, inputs, context, dataset) for replicas in parts]
    record, path = reduce(Record.joined, [found for found, _ in trained]), trained[0][1]
    objects = [
        context.store(f"states/{step:09d}/{payload.group:05d}", state) for step, state in record.states.items()
    ]
    looks = record.looks()
    axes = {name: LOOK_AXES.get(name, METRIC_AXES) for name, tensor in looks.items() if tensor.dtype != torch.uint8}
    objects.append(context.store(f"looks/{payload.group:05d}/{payload.start:09d}", looks, axes))
    return _finished(spec, payload, dataset, record, path, objects)


def _halves(replicas: tuple[int, int], shrink: int) -> list[range]:
    """The replicas in 2^shrink parts of nearly equal size, or one by one."""
    first, stop = replicas
    parts = min(2**shrink, stop - first)
    ends = [first + (stop - first) * part // parts for part in range(parts + 1)]
    return [range(start, end) for start, end in pairwise(ends)]


def _train(
    spec: Replicas,
    payload: ReplicaSegment,
    replicas: range,
    inputs: Sequence[ObjectRef],
    context: Context,
    dataset: Dataset,
) -> tuple[Record, str]:
    """Train some replicas of the group; the record, and the name of the way it was computed."""
    record = Record((twin_number(payload.group), *replicas))
    looked, checkpoints = frozenset(spec.looked_at), frozenset(spec.training.checkpoints)
    with context.kernel():
        group = Group.start(spec, dataset, torch_dtype(spec.training.dtype), payload.group, replicas)
    if payload.start:
        state = context.arrays(needed(inputs, f"states/{payload.start:09d}/{payload.group:05d}"))
        offset = COMMON - payload.replicas[0]
        group.restore(members_of(state, [*range(COMMON), *(replica + offset for replica in replicas)]))
    try:
        for step in range(payload.start, payload.stop + 1):
            if step % CANCEL_CHECK_STEPS == 0:
                context.check_cancelled()
            with context.kernel():
                if step > payload.start:
                    group.step(step)
                elif step == 0:
                    group.move(0)
                if step in looked and (step > payload.start or step == 0):
                    record.look(step, group.look(step, checkpoint=step in checkpoints))
            if step in payload.save:
                record.states[step] = group.arrays()
    except UserFault as fault:
        partial = _finished(spec, payload, dataset, record, group.stack.path, [])
        raise UserFault(str(fault), partial=partial) from fault
    record.end(group)
    return record, group.stack.path


def _finished(
    spec: Replicas, payload: ReplicaSegment, dataset: Dataset, record: Record, path: str, objects: Sequence[ObjectRef]
) -> Finished:
    rows = record.tables()
    if payload.group:  # every group has the same baseline
        rows.pop(ONE_ROW_A_LOOK, None)
    return Finished(
        data={
            "group": payload.group,
            "replicas": len(record.replicas) - 1,
            "start": payload.start,
            "stop": payload.stop,
            "looks": len(record.steps),
            "path": path,
            "loss": spec.training.loss.model_dump(mode="json"),
            "dtype": spec.training.dtype,
            "normalisation": dataset.normalisation,
        },
        rows=rows,
        objects=tuple(objects),
    )
