"""What work costs: units of each kind of block, the key under which seconds per unit are measured, first guesses."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, assert_never

from schemas.base import Spec
from schemas.blocks import (
    AnyPayload,
    BracketMinibatches,
    BracketPerturbations,
    BracketReorderings,
    BracketTile,
    ReplicaCorrelations,
    ReplicaExponents,
    ReplicaPaths,
    ReplicaSegment,
    TrainingSegment,
)
from schemas.brackets import Brackets, TopPairs
from schemas.canonical import canonical_json
from schemas.data import count_examples
from schemas.diagnostic import Diagnostic
from schemas.jobs import AnyJob
from schemas.reorderings import longest_order
from schemas.replicas import Replicas
from schemas.training import Training

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


def units(payload: AnyPayload) -> int | None:
    """Units of work in a block; None where it has none.

    Optimizer steps of a segment and of exponents, each times the members of its group in a segment of replicas;
    ordered pairs of a tile, pairs of minibatches, reorderings, pairs whose logit perturbations are taken; replicas
    whose paths and correlations are.
    """
    match payload:
        case TrainingSegment() | ReplicaExponents():
            return (payload.stop - payload.start) or None
        case ReplicaSegment():
            return (payload.stop - payload.start) * members(payload.replicas) or None
        case ReplicaPaths() | ReplicaCorrelations():
            return payload.replicas[1] - payload.replicas[0]
        case BracketTile():
            rows, columns = (span[1] - span[0] for span in (payload.rows, payload.columns))
            ordered = rows * (rows - 1) if payload.rows == payload.columns else 2 * rows * columns
            return ordered or None
        case BracketMinibatches() | BracketReorderings() | BracketPerturbations():
            return payload.stop - payload.start
        case _:
            return None


def members(replicas: tuple[int, int]) -> int:
    """Networks that a group of replicas trains: its own copy of the baseline and the twin among them."""
    return replicas[1] - replicas[0] + 2


def cost_keys(spec: AnyJob) -> dict[str, str]:
    """Keys of the kinds of blocks of a job that are measured; a device is appended by `on`."""
    match spec:
        case Training():
            return {"training_segment": training_key(spec)}
        case Brackets():
            return bracket_keys(spec)
        case Replicas():
            return replica_keys(spec)
        case Diagnostic():
            return {}
        case _:
            assert_never(spec)


def training_key(spec: Training) -> str:
    """Key of a training step; a device is appended by `on`."""
    return _key(
        "training_segment",
        spec,
        {"batch_size": spec.batch_size, "dtype": spec.dtype, "optimizer": spec.optimizer.kind},
    )


def bracket_keys(spec: Brackets) -> dict[str, str]:
    """Keys of the kinds of blocks of a bracket job that are measured; a device is appended by `on`."""
    test = count_examples(spec.test_examples) if spec.test_examples else 0
    common = {"dtype": spec.dtype, "path": spec.path, "batchnorm": spec.batchnorm}
    extras: dict[str, dict[str, Any]] = {}
    if spec.norms:
        moved = 0 if isinstance(spec.perturbed, TopPairs) else test
        extras["bracket_tile"] = {"test_examples": moved, "gauss_newton": spec.gauss_newton}
    if isinstance(spec.perturbed, TopPairs):
        extras["bracket_perturbations"] = {"test_examples": test}
    if spec.minibatches:
        extras["bracket_minibatches"] = {"largest": max(map(len, spec.minibatches))}
    if spec.reorderings is not None:
        items = longest_order(spec.reorderings.orders, count_examples(spec.examples))
        extras["bracket_reorderings"] = {"test_examples": test, "items": items}
    return {kind: _key(kind, spec.training, common | extra) for kind, extra in extras.items()}


def replica_keys(spec: Replicas) -> dict[str, str]:
    """Keys of the kinds of blocks of a replica job that are measured."""
    run = spec.training
    stepped = {"batch_size": run.batch_size, "dtype": run.dtype, "optimizer": run.optimizer.kind}
    extras: dict[str, dict[str, Any]] = {
        "replica_segment": stepped | {"looks": _dumped(spec.looks), "measures": _dumped(spec.measures)}
    }
    if spec.alignment is not None or spec.barriers is not None:
        measured = {"alignment": _dumped(spec.alignment), "barriers": _dumped(spec.barriers)}
        extras["replica_paths"] = measured | {"dtype": run.dtype}
    if spec.lyapunov is not None:
        extras["replica_exponents"] = stepped | {"lyapunov": _dumped(spec.lyapunov)}
    if spec.autocorrelation:
        checkpoints = {"checkpoints": len(run.checkpoints)}
        extras["replica_correlations"] = checkpoints | {"test_examples": spec.measures.test_examples}
    return {kind: _key(kind, run, extra) for kind, extra in extras.items()}


def _dumped(part: Spec | None) -> Any:
    return None if part is None else part.model_dump(mode="json")


def on(key: str, device: MeasuredDevice) -> str:
    """The key on a kind of device."""
    return f"{key}/{device}"


def _key(kind: str, training: Training, extra: Mapping[str, Any]) -> str:
    parts = {
        "model": training.model.model_dump(mode="json"),
        "loss": training.loss.model_dump(mode="json"),
        "data": training.data.model_dump(mode="json"),
        **extra,
    }
    return f"{kind}/{training.model.kind}/{hashlib.sha256(canonical_json(parts)).hexdigest()[:16]}"
