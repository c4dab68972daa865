"""Alignments of replicas with the baseline, and barriers between them, at a checkpoint.

Axes: m replicas, R members of their group.
"""

from collections.abc import Sequence
from math import isfinite, nan

import torch
from torch import Tensor

from schemas.blocks import ObjectRef, ReplicaPaths
from schemas.replicas import Replicas
from workers.context import Context
from workers.data import load
from workers.determinism import deterministic
from workers.inputs import needed
from workers.outcome import Finished, Rows
from workers.precision import torch_dtype
from workers.replicas.between import QUANTITIES, SPLITS, VALUES, Between, Comparison
from workers.replicas.distances.columns import nullable
from workers.replicas.group import BASELINE
from workers.replicas.record import COMMON

AXES = {
    "replicas": "replica",
    "distance": "replica",
    "aligned_distance": "replica",
    "barrier": "replica aligned split quantity value",
}


def replica_paths(spec: Replicas, payload: ReplicaPaths, inputs: Sequence[ObjectRef], context: Context) -> Finished:
    """Compare replicas with the baseline up to permutations, and along the straight paths between them.

    Raises:
        UserFault: the model has no permutation spec, or too few examples for BatchNorm's statistics.
        Cancelled: the block was told to stop.
    """
    place = f"{payload.step:09d}/{payload.group:05d}"
    state = context.arrays(needed(inputs, f"states/{place}"))
    found: list[Between] = []
    with deterministic():
        dataset = load(spec.training.data, context, torch_dtype(spec.training.dtype))
        comparison = Comparison.of(spec, dataset, context.check_cancelled)
        for replica in range(*payload.replicas):
            with context.kernel():
                found.append(comparison.between(state, BASELINE, COMMON + replica - payload.first))
    numbers = list(range(*payload.replicas))
    stored = context.store(f"paths/{place}/{payload.replicas[0]:05d}", _arrays(numbers, found), AXES)
    rows: dict[str, Rows] = {}
    if spec.alignment is not None:
        rows["replica_alignments"] = _alignment_rows(payload.step, numbers, found)
    if spec.barriers is not None:
        rows["replica_barriers"] = _barrier_rows(payload.step, numbers, found, comparison)
    data = {"step": payload.step, "group": payload.group, "replicas": len(numbers), "dtype": spec.training.dtype}
    return Finished(data=data, rows=rows, objects=(stored,))


def _arrays(numbers: list[int], found: list[Between]) -> dict[str, Tensor]:
    """What the summary reads: distances (m,), barriers (m, aligned, split, quantity, value) in float64."""
    arrays = {"replicas": torch.tensor(numbers, dtype=torch.int64)}
    alignments = [one.alignment for one in found if one.alignment is not None]
    if alignments:
        arrays["distance"] = torch.tensor([one.naive_distance for one in alignments], dtype=torch.float64)
        arrays["aligned_distance"] = torch.tensor([one.distance for one in alignments], dtype=torch.float64)
    barriers = [one.barriers for one in found if one.barriers is not None]
    if barriers:
        arrays["barrier"] = torch.stack(barriers)
    return arrays


def _alignment_rows(step: int, numbers: list[int], found: list[Between]) -> Rows:
    alignments = [one.alignment for one in found if one.alignment is not None]
    spreads = torch.tensor([one.spread for one in alignments], dtype=torch.float64).numpy()
    floats = {
        "distance": torch.tensor([one.naive_distance for one in alignments], dtype=torch.float64).numpy(),
        "aligned_distance": torch.tensor([one.distance for one in alignments], dtype=torch.float64).numpy(),
        "aligned_median": spreads[:, 1],
        "aligned_highest": spreads[:, 2],
        "moved_units": torch.tensor(
            [one.moved_units if isfinite(one.distance) else nan for one in alignments], dtype=torch.float64
        ).numpy(),
    }
    return {
        "step": [step] * len(numbers),
        "replica": numbers,
        **nullable(floats),
        "restarts": [len(one.start_distances) for one in alignments],
    }


def _barrier_rows(step: int, numbers: list[int], found: list[Between], comparison: Comparison) -> Rows:
    """A row for each replica, alignment, split and quantity."""
    barriers = torch.stack([one.barriers for one in found if one.barriers is not None])
    places = [
        (replica, aligned, split, quantity)
        for replica in numbers
        for aligned in range(barriers.shape[1])
        for split in SPLITS
        for quantity in QUANTITIES
    ]
    values = barriers.reshape(-1, len(VALUES)).numpy()
    return {
        "step": [step] * len(places),
        "replica": [replica for replica, _, _, _ in places],
        "aligned": [bool(aligned) for _, aligned, _, _ in places],
        "split": [split for _, _, split, _ in places],
        "quantity": [quantity for _, _, _, quantity in places],
        **nullable({name: values[:, place] for place, name in enumerate(VALUES)}),
        "points": [comparison.points] * len(places),
        "examples": [comparison.examples(split) for _, _, split, _ in places],
    }
