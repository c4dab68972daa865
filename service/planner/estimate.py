"""What a job would cost, by arithmetic on its spec: no block is made, so that thousands are told at once."""

from dataclasses import dataclass, replace
from typing import assert_never

from schemas.brackets import Brackets
from schemas.data import count_examples
from schemas.diagnostic import Diagnostic
from schemas.jobs import AnyJob
from schemas.reorderings import count_reorderings
from schemas.replicas import Replicas
from schemas.training import Training
from service.planner.brackets import selected_pairs
from service.planner.costs import Cost, Costs, MeasuredDevice, members
from service.planner.plan import Cluster, bracket_costs, crew, replica_costs, step_cost
from service.planner.replicas import groups
from service.planner.size import DataSize


@dataclass(frozen=True)
class Estimate:
    """What a job would take.

    Attributes:
        slot_seconds: Seconds of worker slots, over all its blocks.
        serial_seconds: Seconds of its longest chain of blocks, which no number of slots makes shorter.
        measured: Whether every cost behind it was measured here; a guess is of the right order at best.
        device: Where most of it would run.
    """

    slot_seconds: float
    serial_seconds: float
    measured: bool
    device: MeasuredDevice

    def times(self, share: float) -> "Estimate":
        """Of a share of the job."""
        return replace(self, slot_seconds=share * self.slot_seconds, serial_seconds=share * self.serial_seconds)


def estimate(spec: AnyJob, data: DataSize, costs: Costs, cluster: Cluster) -> Estimate:
    """The sum over a job's blocks of units of work times seconds per unit (`service.planner.costs.units`).

    Blocks without units are not counted: summaries, which take a moment, outputs moved, and projections. Nor is the
    training run of a bracket job, which is a job of its own.

    Args:
        spec: The pinned spec.
        data: Sizes of its dataset.
        costs: Measured costs.
        cluster: Slots there are.
    """
    match spec:
        case Diagnostic():
            device, _ = cluster.serves("auto")
            return Estimate(spec.blocks * spec.seconds, spec.seconds, measured=True, device=device)
        case Training():
            device, _ = cluster.serves(spec.device)
            cost = step_cost(spec, data, costs, cluster)
            seconds = spec.steps * cost.seconds_per_unit
            return Estimate(seconds, seconds, cost.measured, device)
        case Brackets():
            device, _ = cluster.serves(spec.device)
            return _estimate(_bracket_units(spec), 0.0, bracket_costs(spec, data, costs, cluster), device)
        case Replicas():
            return _replicas(spec, data, costs, cluster)
        case _:
            assert_never(spec)


def _bracket_units(spec: Brackets) -> dict[str, int]:
    examples, batches = count_examples(spec.examples), len(spec.minibatches)
    at_each = {
        "bracket_tile": examples * (examples - 1) if spec.norms else 0,
        "bracket_minibatches": batches * (batches - 1) // 2,
        "bracket_reorderings": count_reorderings(spec.reorderings.orders, examples) if spec.reorderings else 0,
        "bracket_perturbations": selected_pairs(spec),
    }
    return {kind: len(spec.checkpoints) * units for kind, units in at_each.items() if units}


def _replicas(spec: Replicas, data: DataSize, costs: Costs, cluster: Cluster) -> Estimate:
    workers = crew(spec, data, cluster)
    sizes = [members(replicas) for replicas in groups(spec, workers)]
    steps, paths = spec.training.steps, spec.alignment is not None or spec.barriers is not None
    units = {
        "replica_segment": steps * sum(sizes),
        "replica_exponents": steps if spec.lyapunov else 0,
        "replica_paths": spec.count * len(spec.training.checkpoints) if paths else 0,
        "replica_correlations": spec.count if spec.autocorrelation else 0,
    }
    each = replica_costs(spec, data, costs, cluster)
    longest = steps * max(sizes) * each["replica_segment"].seconds_per_unit
    return _estimate({kind: count for kind, count in units.items() if count}, longest, each, workers.device)


def _estimate(units: dict[str, int], serial: float, costs: dict[str, Cost], device: MeasuredDevice) -> Estimate:
    return Estimate(
        slot_seconds=sum(count * costs[kind].seconds_per_unit for kind, count in units.items()),
        serial_seconds=serial,
        measured=bool(units) and all(costs[kind].measured for kind in units),
        device=device,
    )
