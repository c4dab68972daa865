"""Lyapunov exponents of a replica job's baseline."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, isfinite
from typing import Any

from torch import Tensor

from schemas.blocks import ObjectRef, ReplicaExponents
from schemas.replicas import Lyapunov, Replicas
from workers.brackets.functional import Tensors
from workers.context import Context
from workers.data import load
from workers.determinism import deterministic, forked_generators
from workers.errors import BlockFault, UserFault
from workers.inputs import needed
from workers.outcome import Finished
from workers.precision import torch_dtype
from workers.replicas.dynamics.baseline import Baseline
from workers.replicas.dynamics.lyapunov import Tangents

CANCEL_CHECK_STEPS = 8
STACK = "baseline/"


def replica_exponents(
    spec: Replicas, payload: ReplicaExponents, inputs: Sequence[ObjectRef], context: Context
) -> Finished:
    """Push tangents along the baseline from `payload.start` to `stop`, and store what the next block goes on from.

    The baseline is trained again by the code that trains it among the replicas, with the same bits. The result is
    bitwise independent of how the run is cut into blocks.

    Raises:
        UserFault: the baseline diverges, tangents overflow, or there are fewer parameters than exponents; the rows so
            far are in its `partial`.
        BlockFault: the job asks for no exponents.
        Cancelled: the block was told to stop.
    """
    if spec.lyapunov is None:
        raise BlockFault("the block computes Lyapunov exponents, and the job asks for none")
    dataset = load(spec.training.data, context, torch_dtype(spec.training.dtype))
    with deterministic(), forked_generators(context.device):
        baseline = Baseline.start(spec.training, dataset)
        if payload.start:
            arrays = context.arrays(needed(inputs, f"exponents/{payload.start:09d}"))
            baseline.restore(_under(STACK, arrays))
            tangents = Tangents.from_arrays(arrays, context.device)
        else:
            tangents = Tangents.start(baseline.state(1), spec.lyapunov.exponents, spec.lyapunov.seed)
        rows = Rows(ceil(len(dataset.train) / spec.training.batch_size))
        try:
            tangents = _advance(spec, spec.lyapunov, payload, context, baseline, tangents, rows)
        except UserFault as fault:
            raise UserFault(str(fault), partial=Finished(rows={"replica_exponents": rows.columns})) from fault
        held = {f"{STACK}{name}": array for name, array in baseline.stack.arrays().items()}
        stored = context.store(f"exponents/{payload.stop:09d}", held | tangents.arrays())
        digest = baseline.stack.digest(0)
    return Finished(
        data={"start": payload.start, "stop": payload.stop, "baseline_digest": digest},
        rows={"replica_exponents": rows.columns},
        objects=(stored,),
    )


@dataclass
class Rows:
    """Rows of `replica_exponents`.

    Attributes:
        steps_per_epoch: Steps of an epoch.
        columns: Of the table.
    """

    steps_per_epoch: int
    columns: dict[str, list[Any]] = field(
        default_factory=lambda: {
            name: [] for name in ("step", "index", "log_growth", "exponent", "exponent_per_epoch")
        }
    )

    def add(self, step: int, growth: Tensor, sums: Tensor) -> None:
        """The rows of an orthonormalisation: growth and sums (k,)."""
        for index, (grown, total) in enumerate(zip(growth.tolist(), sums.tolist(), strict=True)):
            finite = isfinite(total)
            row = {
                "step": step,
                "index": index,
                "log_growth": grown if isfinite(grown) else None,
                "exponent": total / step if finite else None,
                "exponent_per_epoch": total / step * self.steps_per_epoch if finite else None,
            }
            for name, value in row.items():
                self.columns[name].append(value)


def _advance(
    spec: Replicas,
    asked: Lyapunov,
    payload: ReplicaExponents,
    context: Context,
    baseline: Baseline,
    tangents: Tangents,
    rows: Rows,
) -> Tangents:
    for step in range(payload.start + 1, payload.stop + 1):
        if step % CANCEL_CHECK_STEPS == 0:
            context.check_cancelled()
        with context.kernel():
            move, state = baseline.step(step)
            tangents = tangents.pushed(move, state)
            if step % asked.every == 0 or step == spec.training.steps:
                baseline.check_finite(step)
                tangents, growth = tangents.orthonormalised()
                rows.add(step, growth, tangents.sums)
    return tangents


def _under(prefix: str, arrays: Tensors) -> Tensors:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
