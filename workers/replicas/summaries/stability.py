"""The stability time: from which step on other data lead to the same basin.

Axes: n replicas of the job.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from schemas.perturbations import Reseed, Reshuffle
from schemas.replicas import Arm, Replicas
from workers.outcome import Rows
from workers.replicas.distances.columns import Floats, nullable
from workers.replicas.statistics import moments
from workers.replicas.summaries.statistic_rows import arm_spans


@dataclass(frozen=True)
class Departure:
    """An arm whose batches are others from some step on.

    Attributes:
        arm: Its name.
        after: Last step that its runs share with the baseline.
        barrier: Mean over its replicas of the barrier in test error at the end.
        aligned_barrier: The same after alignment; NaN without.
        stable: Whether `barrier` is below the limit.
    """

    arm: str
    after: int
    barrier: float
    aligned_barrier: float
    stable: bool


def departures(spec: Replicas, barriers: Floats, aligned: Floats | None) -> list[Departure]:
    """Of every arm whose runs share all that is before a step with the baseline, and have other batches after it.

    Args:
        spec: The job.
        barriers: In test error at the end of the run, (n,).
        aligned: The same after alignment, (n,).
    """
    found = []
    for (name, own), arm in zip(arm_spans(spec).items(), spec.arms, strict=True):
        after = departs_after(arm)
        if after is not None:
            barrier = float(moments(barriers[None, own]).mean[0])
            after_alignment = float("nan") if aligned is None else float(moments(aligned[None, own]).mean[0])
            stable = isfinite(barrier) and barrier < spec.stability_error
            found.append(Departure(name, after, barrier, after_alignment, stable))
    return found


def departs_after(arm: Arm) -> int | None:
    """The last step before an arm's batches come in another order; None if anything else sets it apart as well."""
    afters = [edit.after for edit in arm.perturbations if isinstance(edit, Reshuffle | Reseed)]
    return min(afters) if len(afters) == len(arm.perturbations) else None


def stability_time(found: Sequence[Departure]) -> int | None:
    """The earliest step from which on all arms are stable; None if that of the latest departure is not.

    A step at which a stable and an unstable arm depart is unstable: between the steps tried nothing is known.
    """
    time = None
    for departure in sorted(found, key=lambda one: (-one.after, one.stable)):
        if not departure.stable:
            break
        time = departure.after
    return time


def stability_rows(found: Sequence[Departure]) -> Rows:
    """All columns of `replica_stability`."""
    floats = {
        "barrier": np.array([one.barrier for one in found]),
        "aligned_barrier": np.array([one.aligned_barrier for one in found]),
    }
    return {
        "arm": [one.arm for one in found],
        "after": [one.after for one in found],
        **nullable(floats),
        "stable": [one.stable for one in found],
        "stability_time": [stability_time(found)] * len(found),
    }
