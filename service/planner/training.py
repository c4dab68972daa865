"""A training run as a chain of segments."""

from schemas.blocks import JobId, Need, TrainingSegment
from schemas.training import Training
from service.planner.blocks import Plan, PlannedBlock, wanted_device
from service.planner.costs import Cost

TARGET_SEGMENT_SECONDS = 20.0
MIN_SEGMENT_STEPS = 100


def checkpoint_name(step: int) -> str:
    """Object name of a checkpoint within its job."""
    return f"checkpoints/{step:09d}"


def segment_steps(cost: Cost) -> int:
    """Most steps of a segment: what a killed worker loses at most."""
    return max(MIN_SEGMENT_STEPS, int(TARGET_SEGMENT_SECONDS / cost.seconds_per_unit))


def segment_ends(spec: Training, longest: int) -> list[int]:
    """Where segments end: at every checkpoint, and between those at most `longest` steps apart."""
    ends: list[int] = []
    start = 0
    for checkpoint in spec.checkpoints:
        parts = max(1, -(-(checkpoint - start) // longest))
        ends += [start + (checkpoint - start) * part // parts for part in range(1, parts + 1)]
        start = checkpoint
    # Step 0 is saved by the first segment that trains; it is a segment of its own only when there is nothing else.
    return [end for end in ends if end > 0] or [0]


def plan_training(spec: Training, job_id: JobId, cost: Cost) -> Plan:
    """One segment per phase; each resumes from the checkpoint at which the one before stopped."""
    ends = segment_ends(spec, segment_steps(cost))
    starts = [0, *ends[:-1]]
    zero = (0,) if 0 in spec.checkpoints and ends != [0] else ()
    blocks = [
        PlannedBlock(
            phase=phase,
            payload=TrainingSegment(start=start, stop=stop, save=(*(zero if start == 0 else ()), stop)),
            needs=_resume(job_id, start) if start else (),
            device=wanted_device(spec.device),
        )
        for phase, (start, stop) in enumerate(zip(starts, ends, strict=True))
    ]
    return Plan(
        blocks, {"segments": len(blocks), "seconds_per_step": cost.seconds_per_unit, "measured": cost.measured}
    )


def _resume(job_id: JobId, step: int) -> tuple[Need, ...]:
    return Need(job_id=job_id, name="schedule"), Need(job_id=job_id, name=checkpoint_name(step))
