"""What work costs: units of each kind of block, the key under which seconds per unit are measured, first guesses."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from schemas.blocks import BracketTile, TrainingSegment
from schemas.brackets import Brackets
from schemas.canonical import canonical_json
from schemas.data import count_examples
from schemas.training import Training
from service.planner.blocks import BlockPayload
from service.planner.size import ModelSize

# Guesses are for one CPU core; the first committed blocks replace them.
FLOPS_PER_SECOND = 5e9
# Small models are bound by the calls into the tensor library, not by arithmetic.
SECONDS_PER_CALL = 5e-4

MeasuredDevice = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Cost:
    """Seconds of one unit of work, and whether that was measured here or guessed."""

    seconds_per_unit: float
    measured: bool


@dataclass(frozen=True)
class Costs:
    """Measured seconds per unit, by key."""

    measured: Mapping[str, float] = field(default_factory=dict)

    def of(self, key: str, guess: float) -> Cost:
        """The measurement under `key`, or else the guess."""
        seconds = self.measured.get(key)
        return Cost(guess, measured=False) if seconds is None else Cost(seconds, measured=True)


def units(payload: BlockPayload) -> int | None:
    """Units of work in a block: optimizer steps of a segment, ordered pairs of a tile; None where it has none."""
    match payload:
        case TrainingSegment():
            return (payload.stop - payload.start) or None
        case BracketTile():
            rows, columns = (span[1] - span[0] for span in (payload.rows, payload.columns))
            ordered = rows * (rows - 1) if payload.rows == payload.columns else 2 * rows * columns
            return ordered or None
        case _:
            return None


def training_key(spec: Training) -> str:
    """Key of a training step; a device is appended by `on`."""
    return _key(
        "training_segment",
        spec,
        {"batch_size": spec.batch_size, "dtype": spec.dtype, "optimizer": spec.optimizer.kind},
    )


def pair_key(spec: Brackets) -> str:
    """Key of an ordered pair of a bracket job; a device is appended by `on`."""
    test = count_examples(spec.test_examples) if spec.test_examples else 0
    return _key("bracket_tile", spec.training, {"dtype": spec.dtype, "test_examples": test})


def on(key: str, device: MeasuredDevice) -> str:
    """The key on a kind of device."""
    return f"{key}/{device}"


def guessed_step_seconds(spec: Training, model: ModelSize) -> float:
    """A training step: forward and twice that for backward, over the batch."""
    return SECONDS_PER_CALL + 3 * spec.batch_size * model.forward_flops / FLOPS_PER_SECOND


def guessed_pair_seconds(spec: Brackets, model: ModelSize) -> float:
    """An ordered pair: a derivative of a gradient, about 12 forward passes; half a tangent per test example."""
    test = count_examples(spec.test_examples) if spec.test_examples else 0
    passes = 12 + 1.5 * test
    return SECONDS_PER_CALL + passes * model.forward_flops / FLOPS_PER_SECOND


def _key(kind: str, training: Training, extra: Mapping[str, Any]) -> str:
    parts = {
        "model": training.model.model_dump(mode="json"),
        "loss": training.loss.model_dump(mode="json"),
        "data": training.data.model_dump(mode="json"),
        **extra,
    }
    return f"{kind}/{training.model.kind}/{hashlib.sha256(canonical_json(parts)).hexdigest()[:16]}"
