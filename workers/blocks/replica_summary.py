"""The summary of a replica job.

Axes: n replicas of the job.
"""

from collections.abc import Sequence
from typing import Any

from schemas.blocks import ObjectRef
from schemas.replicas import Replicas
from workers.context import Context
from workers.inputs import under
from workers.outcome import Finished, Rows
from workers.replicas.summaries.looks import Looks, Segment
from workers.replicas.summaries.pairs import Pairs
from workers.replicas.summaries.paths import Paths
from workers.replicas.summaries.replica_rows import replica_rows
from workers.replicas.summaries.stability import departures, stability_rows, stability_time
from workers.replicas.summaries.statistic_rows import correlation_rows, growth_rows, joined, statistic_rows


def replica_summary(spec: Replicas, inputs: Sequence[ObjectRef], context: Context) -> Finished:
    """Reduce what the groups of a job found to rows over replicas; no bit depends on how they were grouped.

    A floor that is not held (a twin that is not its baseline bit by bit, or baselines that differ between groups)
    stands in the record and in the rows of `replicas`, and is said in the job's log.

    Raises:
        BlockFault: what the groups stored does not hold every replica once.
        Cancelled: the block was told to stop.
    """
    found = under(inputs, "looks/")
    looks = Looks.of([Segment.named(ref.name, arrays) for ref, arrays in _read(found, context)], spec.count)
    with context.kernel():
        rows: dict[str, Rows] = {
            "replicas": replica_rows(spec, looks),
            "replica_statistics": statistic_rows(spec, looks.steps, looks.metrics),
            "replica_growth": growth_rows(spec, looks.steps, looks.metrics["distance"]),
        }
    data: dict[str, Any] = {
        "floor_held": all(looks.floors_held.values()),
        "groups": len(looks.twins),
        "diverged": int((looks.diverged_steps >= 0).sum()),
    }
    if not data["floor_held"]:
        _warn(looks, context)
    if spec.alignment is not None or spec.barriers is not None:
        objects = [(ref.name, arrays) for ref, arrays in _read(under(inputs, "paths/"), context)]
        paths = Paths.of(objects, spec.count)
        if paths.aligned_distances is not None:
            aligned = statistic_rows(spec, paths.steps, {"aligned_distance": paths.aligned_distances})
            rows["replica_statistics"] = joined(rows["replica_statistics"], aligned)
        if paths.errors is not None:
            naive, *after_alignment = paths.errors[-1]
            departed = departures(spec, naive, after_alignment[0] if after_alignment else None)
            rows["replica_stability"] = stability_rows(departed)
            data["stability_time"] = stability_time(departed)
    if spec.autocorrelation:
        pairs = Pairs.of([arrays for _, arrays in _read(under(inputs, "correlations/"), context)], spec.count)
        rows["replica_correlations"] = correlation_rows(spec, pairs.steps, pairs.quantities)
    return Finished(data=data, rows=rows)


def _warn(looks: Looks, context: Context) -> None:
    away = [twin.group for twin in looks.twins if not twin.held]
    apart = len({twin.digests for twin in looks.twins}) > 1
    reasons = [f"the twins of groups {away[:10]} are not their baselines bit by bit"] if away else []
    reasons += ["the baselines of the groups differ"] if apart else []
    context.log(
        f"the floor of non-determinism is not 0: {' and '.join(reasons)}; distances of replicas hold that much noise",
        level="warning",
        groups=away,
    )


def _read(refs: Sequence[ObjectRef], context: Context) -> list[tuple[ObjectRef, dict[str, Any]]]:
    found = []
    for ref in refs:
        context.check_cancelled()
        found.append((ref, context.arrays(ref)))
    return found
