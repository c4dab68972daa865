"""From a payload to the code that computes it."""

from collections.abc import Sequence
from typing import TypeVar, assert_never

from schemas.base import Spec
from schemas.blocks import (
    AnyPayload,
    BracketMinibatches,
    BracketOutputs,
    BracketPerturbations,
    BracketProjections,
    BracketReorderings,
    BracketSummary,
    BracketTile,
    DiagnosticBlock,
    ObjectRef,
    ReplicaCorrelations,
    ReplicaExponents,
    ReplicaPaths,
    ReplicaSegment,
    ReplicaSummary,
    TrainingSegment,
)
from schemas.brackets import Brackets
from schemas.diagnostic import Diagnostic
from schemas.replicas import Replicas
from schemas.training import Training
from workers.blocks.bracket_minibatches import bracket_minibatches
from workers.blocks.bracket_outputs import bracket_outputs
from workers.blocks.bracket_perturbations import bracket_perturbations
from workers.blocks.bracket_projections import bracket_projections
from workers.blocks.bracket_reorderings import bracket_reorderings
from workers.blocks.bracket_summary import bracket_summary
from workers.blocks.bracket_tile import bracket_tile
from workers.blocks.diagnostic import diagnostic
from workers.blocks.replica_correlations import replica_correlations
from workers.blocks.replica_exponents import replica_exponents
from workers.blocks.replica_paths import replica_paths
from workers.blocks.replica_segment import replica_segment
from workers.blocks.replica_summary import replica_summary
from workers.context import Context
from workers.errors import BlockFault
from workers.memory import memory_faults
from workers.outcome import Finished
from workers.training.segment import train_segment

S = TypeVar("S", bound=Spec)


def run(
    spec: Training | Brackets | Replicas | Diagnostic,
    payload: AnyPayload,
    inputs: Sequence[ObjectRef],
    context: Context,
    shrink: int,
) -> Finished:
    """Compute a block: a pure function of its arguments and the code version.

    Args:
        spec: The job's spec.
        payload: What to compute of it.
        inputs: Objects the block needs.
        context: The surroundings.
        shrink: How many times the micro tile was halved after running out of memory.

    Raises:
        UserFault: the spec or the data is wrong; `partial` may hold what was stored.
        MemoryFault: the device or the host had too little memory.
        Cancelled: the block was told to stop.
        BlockFault: the payload does not belong to the spec, or an input is missing.
    """
    with memory_faults():
        match payload:
            case TrainingSegment():
                return train_segment(_of(spec, Training), payload, inputs, context)
            case BracketTile():
                return bracket_tile(_of(spec, Brackets), payload, inputs, context, shrink)
            case BracketProjections():
                return bracket_projections(_of(spec, Brackets), payload, inputs, context, shrink)
            case BracketMinibatches():
                return bracket_minibatches(_of(spec, Brackets), payload, inputs, context)
            case BracketReorderings():
                return bracket_reorderings(_of(spec, Brackets), payload, inputs, context)
            case BracketSummary():
                return bracket_summary(_of(spec, Brackets), payload, inputs, context)
            case BracketPerturbations():
                return bracket_perturbations(_of(spec, Brackets), payload, inputs, context, shrink)
            case BracketOutputs():
                return bracket_outputs(_of(spec, Brackets), payload, inputs, context)
            case ReplicaSegment():
                return replica_segment(_of(spec, Replicas), payload, inputs, context, shrink)
            case ReplicaPaths():
                return replica_paths(_of(spec, Replicas), payload, inputs, context)
            case ReplicaExponents():
                return replica_exponents(_of(spec, Replicas), payload, inputs, context)
            case ReplicaCorrelations():
                return replica_correlations(_of(spec, Replicas), payload, inputs, context)
            case ReplicaSummary():
                return replica_summary(_of(spec, Replicas), inputs, context)
            case DiagnosticBlock():
                return diagnostic(_of(spec, Diagnostic), payload, context)
            case _:
                assert_never(payload)


def _of(spec: Spec, kind: type[S]) -> S:
    if not isinstance(spec, kind):
        raise BlockFault(f"the block belongs to a {kind.__name__} job, its spec is a {type(spec).__name__}")
    return spec
