"""What the planner returns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from schemas.blocks import AnyPayload, Need

BlockDevice = Literal["any", "cpu", "cuda"]

# A block that computes is sized for seconds; one that hangs is given up after this long.
COMPUTE_TIMEOUT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class PlannedBlock:
    """A block to be: blocks of phase k + 1 wait until every block of phase k is done."""

    phase: int
    payload: AnyPayload
    needs: tuple[Need, ...] = ()
    device: BlockDevice = "any"
    timeout_seconds: float | None = COMPUTE_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class Plan:
    """All blocks of a job in the order in which they should run, and the numbers behind the choice."""

    blocks: Sequence[PlannedBlock]
    details: dict[str, Any] = field(default_factory=dict)


def wanted_device(device: Literal["auto", "cpu", "cuda"]) -> BlockDevice:
    """`auto` takes whatever slot is free."""
    return "any" if device == "auto" else device
