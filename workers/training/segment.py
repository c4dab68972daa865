"""Train from one checkpoint to another, storing the checkpoints asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

import torch

from schemas.blocks import ObjectRef, TrainingSegment
from schemas.training import Training
from workers.context import Context
from workers.data import load
from workers.determinism import deterministic, forked_generators
from workers.errors import UserFault
from workers.inputs import needed
from workers.outcome import Finished
from workers.precision import torch_dtype
from workers.streams import Stream, torch_seed
from workers.training.checkpoint import capture, restore
from workers.training.run import Run, StepRecord
from workers.training.schedule import Schedule, batch_schedule

CANCEL_CHECK_STEPS = 8


@dataclass
class Ledger:
    """What a segment has stored and seen so far."""

    steps: list[StepRecord] = field(default_factory=list)
    checkpoints: list[dict[str, float | int | bool]] = field(default_factory=list)
    objects: list[ObjectRef] = field(default_factory=list)

    def finished(self, spec: Training, run: Run, payload: TrainingSegment) -> Finished:
        """The outcome, whether the segment came to its end or not."""
        last = self.steps[-1] if self.steps else None
        return Finished(
            data={
                "start": payload.start,
                "stop": payload.stop,
                "steps": len(self.steps),
                "last_loss": last.loss if last else None,
                "parameters": sum(parameter.numel() for parameter in run.model.parameters()),
                "tensors": sum(1 for _ in run.model.parameters()),
                "train_examples": len(run.dataset.train),
                "test_examples": len(run.dataset.test),
                "loss": spec.loss.model_dump(mode="json"),
                "dtype": spec.dtype,
                "normalisation": run.dataset.normalisation,
            },
            rows={
                "checkpoints": {
                    column: [row[column] for row in self.checkpoints]
                    for column in (
                        "step",
                        "train_loss",
                        "test_loss",
                        "train_accuracy",
                        "test_accuracy",
                        "parameter_norm",
                        "requested",
                    )
                },
                "training_steps": {
                    column: [getattr(record, column) for record in self.steps]
                    for column in ("step", "loss", "gradient_norm", "lr")
                },
            },
            objects=tuple(self.objects),
        )


def train_segment(
    spec: Training, payload: TrainingSegment, inputs: Sequence[ObjectRef], context: Context
) -> Finished:
    """Resume at `payload.start` (0 initialises and stores the schedule), train to `stop`, store the steps in `save`.

    The result is bitwise independent of how a run is cut into segments, on one device and one set of versions.

    Raises:
        UserFault: the run cannot go on (a loss that is not finite, a model that does not fit the data, ...); what was
            stored by then is in its `partial`.
        Cancelled: the block was told to stop.
    """
    dtype = torch_dtype(spec.dtype)
    dataset = load(spec.data, context, dtype)
    with deterministic():
        run = Run.start(spec, dataset, dtype)
    ledger = Ledger()
    try:
        with deterministic(), forked_generators(context.device):
            schedule = _begin(spec, payload, inputs, context, run, ledger)
            _advance(spec, payload, context, run, schedule, ledger)
    except UserFault as fault:
        raise UserFault(str(fault), partial=ledger.finished(spec, run, payload)) from fault
    return ledger.finished(spec, run, payload)


def _begin(
    spec: Training,
    payload: TrainingSegment,
    inputs: Sequence[ObjectRef],
    context: Context,
    run: Run,
    ledger: Ledger,
) -> Schedule:
    """Bring the run to `payload.start`; store the schedule, and the initialisation if asked for, on the way."""
    torch.manual_seed(torch_seed(spec.seed, Stream.NOISE))
    if payload.start > 0:
        restore(run.model, run.optimizer, context.arrays(needed(inputs, f"checkpoints/{payload.start:09d}")))
        return Schedule.from_arrays(context.arrays(needed(inputs, "schedule")))
    schedule = batch_schedule(spec.seed, len(run.dataset.train), spec.batch_size, spec.steps)
    ledger.objects.append(context.store("schedule", schedule.arrays(), {"indices": "draw", "offsets": "boundary"}))
    if 0 in payload.save:
        _save(spec, 0, context, run, ledger)
    return schedule


def _advance(
    spec: Training, payload: TrainingSegment, context: Context, run: Run, schedule: Schedule, ledger: Ledger
) -> None:
    saved = frozenset(payload.save)
    for step in range(payload.start + 1, payload.stop + 1):
        if step % CANCEL_CHECK_STEPS == 0:
            context.check_cancelled()
        with context.kernel():
            ledger.steps.append(run.step(step, schedule.batch(step)))
        if step in saved:
            _save(spec, step, context, run, ledger)


def _save(spec: Training, step: int, context: Context, run: Run, ledger: Ledger) -> None:
    """Look at the run and store its state.

    Raises:
        UserFault: the loss over a split is not finite.
    """
    with context.kernel():
        train, test = run.evaluate()
    for split, evaluation in (("train", train), ("test", test)):
        if not isfinite(evaluation.loss):
            raise UserFault(
                f"the loss over the {split} split must stay finite, it is {evaluation.loss} after step {step}: "
                "lower the learning rate; checkpoints saved before it are kept"
            )
    ledger.objects.append(context.store(f"checkpoints/{step:09d}", capture(run.model, run.optimizer)))
    ledger.checkpoints.append(
        {
            "step": step,
            "train_loss": train.loss,
            "test_loss": test.loss,
            "train_accuracy": train.accuracy,
            "test_accuracy": test.accuracy,
            "parameter_norm": run.parameter_norm(),
            "requested": step in spec.checkpoints,
        }
    )
