"""What a job found and what it took, at a glance: small whatever the size of the job."""

from typing import Any

from schemas.api import Body, Job


class Work(Body):
    """Committed blocks of one kind."""

    kind: str
    """Kind of their payload."""
    blocks: int
    """How many."""
    seconds: float
    """Wall time on workers, summed."""
    kernel_seconds: float
    """Part of it spent in the numerics."""


class Computed(Body):
    """Blocks that were computed with the same code on the same kind of machine."""

    code: str
    """Version of the sources that blocks run."""
    device: str
    """Name of the device."""
    torch: str
    """Version of PyTorch."""
    blocks: int
    """How many."""


class LargestPair(Body):
    """A pair with one of the largest brackets of a checkpoint."""

    step: int
    """Checkpoint."""
    i: int
    """Train-split index of the first example."""
    j: int
    """Train-split index of the second."""
    bracket_norm: float
    """‖[v_i, v_j]‖, without any power of the learning rate."""
    defect: float
    """‖[v_i, v_j]‖ / (‖∇L_i‖ ‖∇L_j‖)."""


class Overview(Body):
    """A job at a glance."""

    job: Job
    """The job."""
    work: tuple[Work, ...]
    """What it took, by kind of block."""
    computed: tuple[Computed, ...]
    """With what it was computed; more than one entry means that bits may differ between blocks."""
    objects: int
    """Objects that it stored."""
    object_bytes: int
    """Their size."""
    summaries: dict[str, tuple[dict[str, Any], ...]]
    """Rows of its small result tables, by table; a NaN is null."""
    largest: tuple[LargestPair, ...]
    """The largest brackets of every checkpoint, largest first."""
