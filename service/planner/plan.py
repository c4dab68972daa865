"""The planner: `plan(spec, …)` gives a job's blocks."""

from dataclasses import dataclass
from typing import assert_never

from schemas.blocks import DiagnosticBlock, JobId
from schemas.brackets import Brackets
from schemas.diagnostic import Diagnostic
from schemas.jobs import AnyJob
from schemas.models import Mlp
from schemas.replicas import Replicas
from schemas.training import Training
from service.planner.blocks import Plan, PlannedBlock
from service.planner.brackets import Bounds, plan_brackets
from service.planner.costs import (
    Cost,
    Costs,
    MeasuredDevice,
    bracket_keys,
    cost_keys,
    on,
    replica_keys,
    training_key,
)
from service.planner.group_memory import most_replicas
from service.planner.guesses import (
    guessed_bracket_seconds,
    guessed_checkpoint_seconds,
    guessed_replica_seconds,
    guessed_step_seconds,
)
from service.planner.memory import micro_edge, moved_bytes, projected_micro, projected_rows, stored_bytes
from service.planner.paths import likely_path
from service.planner.replicas import Crew, plan_replicas
from service.planner.size import DataSize, model_size
from service.planner.training import plan_training

DIAGNOSTIC_SPARE_SECONDS = 600.0


@dataclass(frozen=True)
class Cluster:
    """Worker slots by device, as living dispatchers report them."""

    cpu: int = 1
    cuda: int = 0

    def serves(self, device: str) -> tuple[MeasuredDevice, int]:
        """Where a block that wants `device` (auto, cpu or cuda) would mostly run, and on how many slots."""
        if device == "cuda" or (device == "auto" and self.cuda > 0):
            return "cuda", max(1, self.cuda)
        return "cpu", max(1, self.cpu)


def plan(
    spec: AnyJob,
    *,
    job_id: JobId,
    parent_id: JobId | None,
    data: DataSize,
    costs: Costs,
    cluster: Cluster,
) -> Plan:
    """The blocks of a job. A pure function: the same arguments give the same blocks.

    Args:
        spec: The pinned spec.
        job_id: The job, named in needs for its own objects.
        parent_id: The training run of a bracket job.
        data: Sizes of its dataset.
        costs: Measured costs.
        cluster: Slots there are.

    Raises:
        ValueError: a bracket job without a parent.
    """
    match spec:
        case Diagnostic():
            timeout = spec.seconds + DIAGNOSTIC_SPARE_SECONDS
            return Plan(
                [
                    PlannedBlock(phase=0, payload=DiagnosticBlock(index=index), timeout_seconds=timeout)
                    for index in range(spec.blocks)
                ]
            )
        case Training():
            made = plan_training(spec, job_id, step_cost(spec, data, costs, cluster))
        case Brackets():
            if parent_id is None:
                raise ValueError(f"job {job_id} is a bracket job and needs a training run as its parent")
            _, workers = cluster.serves(spec.device)
            bounds = bracket_bounds(spec, data, cluster)
            made = plan_brackets(spec, job_id, parent_id, bracket_costs(spec, data, costs, cluster), bounds, workers)
        case Replicas():
            made = plan_replicas(spec, job_id, replica_costs(spec, data, costs, cluster), crew(spec, data, cluster))
        case _:
            assert_never(spec)
    return Plan(made.blocks, made.details | {"costs": cost_keys(spec)})


def step_cost(spec: Training, data: DataSize, costs: Costs, cluster: Cluster) -> Cost:
    """Seconds of a training step."""
    device, _ = cluster.serves(spec.device)
    return costs.of(on(training_key(spec), device), guessed_step_seconds(spec, model_size(spec, data)))


def bracket_costs(spec: Brackets, data: DataSize, costs: Costs, cluster: Cluster) -> dict[str, Cost]:
    """Seconds of a unit of each kind of block of a bracket job."""
    device, _ = cluster.serves(spec.device)
    size, path = model_size(spec.training, data), likely_path(spec, device)
    guesses = guessed_bracket_seconds(spec, size, path)
    return {kind: costs.of(on(key, device), guesses[kind]) for kind, key in bracket_keys(spec).items()}


def replica_costs(spec: Replicas, data: DataSize, costs: Costs, cluster: Cluster) -> dict[str, Cost]:
    """Seconds of a unit of each kind of block of a replica job."""
    device, _ = cluster.serves(spec.training.device)
    guesses = guessed_replica_seconds(spec, model_size(spec.training, data), data)
    return {kind: costs.of(on(key, device), guesses[kind]) for kind, key in replica_keys(spec).items()}


def crew(spec: Replicas, data: DataSize, cluster: Cluster) -> Crew:
    """Who trains the groups of a replica job, and what a block may hold."""
    device, workers = cluster.serves(spec.training.device)
    size = model_size(spec.training, data)
    return Crew(
        device=device,
        workers=workers,
        most=most_replicas(spec, size, data, device),
        tensors=size.tensors,
        checkpoint_seconds=guessed_checkpoint_seconds(spec, size, data),
    )


def bracket_bounds(spec: Brackets, data: DataSize, cluster: Cluster) -> Bounds:
    """What the blocks of a bracket job may hold."""
    device, _ = cluster.serves(spec.device)
    size, path, targets = model_size(spec.training, data), likely_path(spec, device), len(spec.projections)
    return Bounds(
        path=path,
        micro=micro_edge(path, size, spec.dtype),
        pair_bytes=stored_bytes(spec, size, data),
        moved_bytes=moved_bytes(spec, data),
        projected_rows=projected_rows(size, spec.dtype, targets, factored=isinstance(spec.training.model, Mlp)),
        projected_micro=projected_micro(size, spec.dtype, targets),
    )
