"""Rows of `replicas`: what became of each replica and each twin."""

from typing import Any

import numpy as np

from schemas.replicas import TWIN, Replicas
from workers.outcome import Rows
from workers.replicas.distances.columns import nullable
from workers.replicas.group import twin_number
from workers.replicas.summaries.looks import Looks


def replica_rows(spec: Replicas, looks: Looks) -> Rows:
    """All columns of `replicas` (schemas.replica_results.REPLICAS): replicas in their order, then twins."""
    places = [spec.place(replica) for replica in range(spec.count)]
    epsilons = [spec.arms[arm].epsilon for arm, _ in places] + [0.0] * len(looks.twins)
    floats = {
        "epsilon": np.array([np.nan if epsilon is None else epsilon for epsilon in epsilons]),
        "start_distance": np.concatenate([looks.first_moves, [np.nan] * len(looks.twins)]),
        "distance": np.concatenate([looks.metrics["distance"][-1], [twin.distance[-1] for twin in looks.twins]]),
    }
    groups = [*looks.groups.tolist(), *(twin.group for twin in looks.twins)]
    diverged: list[Any] = [*looks.diverged_steps.tolist(), *(twin.diverged_step for twin in looks.twins)]
    held = looks.floors_held
    return {
        "replica": [*range(spec.count), *(twin_number(twin.group) for twin in looks.twins)],
        "arm": [spec.arm_names[arm] for arm, _ in places] + [TWIN] * len(looks.twins),
        "number": [number for _, number in places] + [twin.group for twin in looks.twins],
        "group_number": groups,
        **nullable(floats),
        "diverged_step": [None if step < 0 else step for step in diverged],
        "floor_held": [held[group] for group in groups],
    }
