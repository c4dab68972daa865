"""How long several jobs take together, at least."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from service.planner.costs import MeasuredDevice
from service.planner.estimate import Estimate
from service.planner.plan import Cluster


@dataclass(frozen=True)
class Limits:
    """Most jobs and blocks that run at once; None where there is no limit."""

    jobs: int | None = None
    blocks: int | None = None


def slots(cluster: Cluster, device: MeasuredDevice) -> int:
    """Slots of a kind."""
    return cluster.cuda if device == "cuda" else cluster.cpu


def wall_seconds(left: Iterable[Estimate], longest: float, cluster: Cluster, limits: Limits) -> float | None:
    """The largest of several bounds, none of which can be undercut; None where a job has no slot to run on.

    They are: the longest chain; the work on each kind of device over its slots, or over the blocks that may run; the
    chains of all jobs over the jobs that may run.

    Args:
        left: What is left of each job.
        longest: Seconds of the longest chain of blocks, over jobs that wait for one another.
        cluster: Slots there are.
        limits: Limits that all of the jobs share.
    """
    work: dict[MeasuredDevice, float] = defaultdict(float)
    serial = 0.0
    for one in left:
        work[one.device] += one.slot_seconds
        serial += one.serial_seconds
    bounds = [longest] if limits.jobs is None else [longest, serial / limits.jobs]
    for device, seconds in work.items():
        there = slots(cluster, device)
        if seconds and not there:
            return None
        if seconds:
            bounds.append(seconds / (there if limits.blocks is None else min(there, limits.blocks)))
    return max(bounds)
