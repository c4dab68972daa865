"""Blocks: what a worker is asked, what it answers.

A block is a pure function of (spec, payload, inputs, code version). It may run more than once; its outcome is
committed once. `positions` count within the job's ascending list of examples; `step` is an optimizer step.
"""

from typing import Annotated, Any, Literal, NewType

from pydantic import Field, JsonValue, TypeAdapter

from schemas.base import Digest, Spec, Step

JobId = NewType("JobId", int)
BlockId = NewType("BlockId", int)

Span = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]]


class TrainingSegment(Spec):
    """Train from `start` to `stop`, saving the listed steps; `stop` is always saved, so that the next can resume."""

    kind: Literal["training_segment"] = "training_segment"
    start: Step
    """Step of the checkpoint to resume from; 0 initialises."""
    stop: Step
    """Last step."""
    save: tuple[Step, ...]
    """Steps to save, ascending, ending in `stop`; holds 0 only when `start` is 0."""


class BracketTile(Spec):
    """All unordered pairs (a, b), a < b, with a in `rows` and b in `columns`: half-open spans of positions."""

    kind: Literal["bracket_tile"] = "bracket_tile"
    step: Step
    """Checkpoint."""
    rows: Span
    """Positions of the first example of a pair."""
    columns: Span
    """Positions of the second example; equal to `rows` (a diagonal tile) or wholly after it."""
    micro: Annotated[int, Field(ge=1)]
    """Edge of the inner tiles held in memory at once; part of the bits of a result, so it is pinned."""


class BracketProjections(Spec):
    """Projections of all pairs (a, b), a < b, with a in `rows`, on some targets of the job."""

    kind: Literal["bracket_projections"] = "bracket_projections"
    step: Step
    """Checkpoint."""
    rows: Span
    """Positions of the first example of a pair, whose gradients are held while the others go by."""
    targets: Span
    """Half-open span of the job's projections."""
    micro: Annotated[int, Field(ge=1)]
    """Examples that go by at once; part of the bits of a result, so it is pinned."""


class BracketMinibatches(Spec):
    """Brackets of pairs [start, stop) of the job's minibatches, ordered by first, then second."""

    kind: Literal["bracket_minibatches"] = "bracket_minibatches"
    step: Step
    """Checkpoint."""
    start: Annotated[int, Field(ge=0)]
    """First pair."""
    stop: Annotated[int, Field(ge=1)]
    """One past the last pair."""


class BracketReorderings(Spec):
    """Reorderings [start, stop) of the job."""

    kind: Literal["bracket_reorderings"] = "bracket_reorderings"
    step: Step
    """Checkpoint."""
    start: Annotated[int, Field(ge=0)]
    """First reordering."""
    stop: Annotated[int, Field(ge=1)]
    """One past the last reordering."""


class BracketSummary(Spec):
    """Reduce what the blocks of a checkpoint found: tensor RMS, fits, defects, reorderings, the largest pairs."""

    kind: Literal["bracket_summary"] = "bracket_summary"
    step: Step
    """Checkpoint."""


class BracketPerturbations(Spec):
    """Logit perturbations of pairs [start, stop) of those that the summary selected."""

    kind: Literal["bracket_perturbations"] = "bracket_perturbations"
    step: Step
    """Checkpoint."""
    start: Annotated[int, Field(ge=0)]
    """First pair of the selection."""
    stop: Annotated[int, Field(ge=1)]
    """One past the last pair."""
    micro: Annotated[int, Field(ge=1)]
    """Most pairs held in memory at once; part of the bits of a result, so it is pinned."""


class BracketOutputs(Spec):
    """Reduce the logit perturbations of a checkpoint: how far each output moves, and which stand out."""

    kind: Literal["bracket_outputs"] = "bracket_outputs"
    step: Step
    """Checkpoint."""


class ReplicaSegment(Spec):
    """Train the baseline, its twin and some replicas from `start` to `stop`, measuring and saving on the way."""

    kind: Literal["replica_segment"] = "replica_segment"
    group: Annotated[int, Field(ge=0)]
    """Number of the group."""
    replicas: Span
    """Replicas of the group: a half-open span of the job's."""
    start: Step
    """Step of the state to resume from; 0 initialises and measures the initialisation."""
    stop: Step
    """Last step."""
    save: tuple[Step, ...]
    """Steps whose states are saved, ascending, ending in `stop`; holds 0 only when `start` is 0."""


class ReplicaPaths(Spec):
    """Alignments and barriers of some replicas of a group with the baseline, at a checkpoint."""

    kind: Literal["replica_paths"] = "replica_paths"
    step: Step
    """Checkpoint."""
    group: Annotated[int, Field(ge=0)]
    """Number of the group."""
    first: Annotated[int, Field(ge=0)]
    """The job's number of the group's first replica."""
    replicas: Span
    """Replicas looked at: a half-open span of the job's, all of the group."""


class ReplicaExponents(Spec):
    """Propagate tangents along the baseline from `start` to `stop`."""

    kind: Literal["replica_exponents"] = "replica_exponents"
    start: Step
    """Step to go on from; 0 begins."""
    stop: Step
    """Last step; its state is saved, so that the next block can go on."""


class ReplicaCorrelations(Spec):
    """Autocorrelations of the replicas of a group between its checkpoints."""

    kind: Literal["replica_correlations"] = "replica_correlations"
    group: Annotated[int, Field(ge=0)]
    """Number of the group."""
    replicas: Span
    """Replicas of the group: a half-open span of the job's."""


class ReplicaSummary(Spec):
    """Reduce what the groups found: floors, statistics over replicas, growth laws, correlations, stability time."""

    kind: Literal["replica_summary"] = "replica_summary"


class DiagnosticBlock(Spec):
    """Nothing but the path."""

    kind: Literal["diagnostic_block"] = "diagnostic_block"
    index: int
    """Number of the block within its job."""


AnyPayload = (
    TrainingSegment
    | BracketTile
    | BracketProjections
    | BracketMinibatches
    | BracketReorderings
    | BracketSummary
    | BracketPerturbations
    | BracketOutputs
    | ReplicaSegment
    | ReplicaPaths
    | ReplicaExponents
    | ReplicaCorrelations
    | ReplicaSummary
    | DiagnosticBlock
)
Payload = Annotated[AnyPayload, Field(discriminator="kind")]
payload: TypeAdapter[AnyPayload] = TypeAdapter(Payload)


class Need(Spec):
    """An input, by the name its producer gave it. `prefix` takes every object of the job under that name."""

    job_id: int
    """The producing job: a parent, or the job itself in an earlier phase."""
    name: str
    """Object name, for example `checkpoints/000000100`."""
    prefix: bool = False
    """Whether `name` is a prefix."""


class ArrayInfo(Spec):
    """One array inside an object."""

    dtype: str
    """Element type as safetensors names it (`F32`, `F64`, `I64`, …)."""
    shape: tuple[int, ...]
    """Extent of each axis."""
    axes: str = ""
    """Legend, one word per axis separated by spaces: `pair test output`."""


class ObjectRef(Spec):
    """An immutable object in the object store, and what is in it."""

    name: str
    """Name within its job: what people and other blocks ask for."""
    key: str
    """Key in the bucket; holds the spec digest and the attempt, so two attempts never share one."""
    sha256: Digest
    """Digest of the bytes."""
    size_bytes: Annotated[int, Field(ge=0)]
    """Length."""
    arrays: dict[str, ArrayInfo] = Field(default_factory=dict)
    """What is inside, for safetensors objects."""


ErrorKind = Literal["user", "memory", "unavailable", "lost", "cancelled", "timeout", "internal"]
"""How a failure is treated.

user: the spec or the data is wrong, no retry. memory: once more with half the micro tile. unavailable: a bucket
or a peer is away, wait and try again, not counted. lost: the worker died or was preempted, not counted (but bounded,
so that a block that kills its worker stops in the end). timeout, internal: counted, retried with backoff.
cancelled: told to stop.
"""


class BlockError(Spec):
    """Why a block did not finish."""

    kind: ErrorKind
    """Decides what happens next."""
    message: str
    """One line for a person: what was expected, what came, what to do."""
    traceback: str | None = None
    """Kept for logs; never the first thing shown."""


class LogLine(Spec):
    """A line of a job's log."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Severity."""
    message: str
    """Text."""
    data: dict[str, JsonValue] = Field(default_factory=dict)
    """Fields for programs."""


class BlockRecord(Spec):
    """The small record a worker returns for a finished block; stored as JSON with the block."""

    data: dict[str, Any] = Field(default_factory=dict)
    """What the block found, in a few kilobytes."""
    objects: tuple[ObjectRef, ...] = ()
    """Objects written."""
    log: tuple[LogLine, ...] = ()
    """Log lines."""
    provenance: dict[str, JsonValue] = Field(default_factory=dict)
    """Code and library versions, device, threads, host."""
    seconds: float = 0.0
    """Wall time on the worker."""
    kernel_seconds: float = 0.0
    """Part of it spent in the numerics, without loading, storing and waiting."""
