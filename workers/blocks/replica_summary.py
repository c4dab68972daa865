"""The summary of a replica job.

Axes: n replicas of the job, C checkpoints, p pairs of checkpoints.
"""

from collections.abc import Sequence

import numpy as np

from schemas.blocks import ObjectRef
from schemas.replicas import Replicas
from workers.context import Context
from workers.inputs import under
from workers.outcome import Finished, Rows
from workers.replicas.between import QUANTITIES, SPLITS, VALUES
from workers.replicas.distances.columns import Floats
from workers.replicas.summaries.looks import Looks, Segment
from workers.replicas.summaries.replica_rows import replica_rows
from workers.replicas.summaries.stability import departures, stability_rows, stability_time
from workers.replicas.summaries.statistic_rows import correlation_rows, growth_rows, statistic_rows

JUDGED = (SPLITS.index("test"), QUANTITIES.index("error"), VALUES.index("max_minus_ends"))
"""The barrier that decides on stability."""


def replica_summary(spec: Replicas, inputs: Sequence[ObjectRef], context: Context) -> Finished:
    """Reduce what the groups of a job found to rows over replicas; no bit depends on how they were grouped.

    A floor that is not held (a twin that is not its baseline bit by bit, or baselines that differ between groups)
    stands in the record and in the rows of `replicas`, and is said in the job's log.

    Raises:
        BlockFault: the groups do not hold every replica once.
    """
    looks = Looks.of(
        [Segment.named(ref.name, context.arrays(ref)) for ref in under(inputs, "looks/")],
        spec.count,
    )
    with context.kernel():
        rows = {
            "replicas": replica_rows(spec, looks),
            "replica_statistics": statistic_rows(spec, looks.steps, looks.metrics),
            "replica_growth": growth_rows(spec, looks.steps, looks.metrics["distance"]),
        }
    held = all(looks.floors_held.values())
    data: dict[str, object] = {
        "floor_held": held,
        "groups": len(looks.twins),
        "diverged": int((looks.diverged_steps >= 0).sum()),
    }
    if not held:
        _warn(looks, context)
    return Finished(data=data, rows=rows)
