"""What members of a group take while they train: P parameters, a batch of B examples, K outputs."""

from typing import assert_never

from schemas.data import DIGITS_LABELS
from schemas.optimizers import Adam, AdamW, RegistryOptimizer, RmsProp, Sgd
from schemas.perturbations import Change, Reseed, Reshuffle
from schemas.replicas import Replicas
from service.planner.costs import MeasuredDevice
from service.planner.guesses import UNKNOWN_SPLIT
from service.planner.memory import ITEM_BYTES
from service.planner.size import DataSize, ModelSize

GROUP_BYTES: dict[MeasuredDevice, int] = {"cpu": 2**30, "cuda": 8 * 2**30}
"""What a group should take at most. It grows beyond that only where one replica needs more."""
LOOKED_AT_ONCE = 1_024
"""Examples whose logits a look holds for all members, first as parts and then as a whole."""


def slots(spec: Replicas) -> int:
    """Numbers of optimizer state for each parameter."""
    optimizer = spec.training.optimizer
    changed = {one.parameter for arm in spec.arms for one in arm.perturbations if isinstance(one, Change)}
    match optimizer:
        case Sgd():
            return int(optimizer.momentum > 0 or "momentum" in changed)
        case Adam() | AdamW():
            return 2
        case RmsProp():
            return 1 + int(optimizer.momentum > 0 or "momentum" in changed) + int(optimizer.centered)
        case RegistryOptimizer():  # refused by the spec
            return 2
        case _:
            assert_never(optimizer)


def saved_bytes(spec: Replicas, model: ModelSize) -> int:
    """Bytes of a member's state as it is saved: parameters and optimizer state."""
    return (1 + slots(spec)) * model.parameters * ITEM_BYTES[spec.training.dtype]


def member_bytes(spec: Replicas, model: ModelSize, data: DataSize) -> int:
    """Bytes of a member while it trains and is looked at.

    Its state, the copy being saved, gradients, activations and theirs, logits, and the epoch that it orders itself.
    """
    run = spec.training
    batch = 2 * run.batch_size * model.activations
    logits = 2 * LOOKED_AT_ONCE * (data.labels or DIGITS_LABELS)
    own = any(isinstance(one, Reshuffle | Reseed) for arm in spec.arms for one in arm.perturbations)
    epoch = 4 * (data.train or UNKNOWN_SPLIT) if own else 0
    return 2 * saved_bytes(spec, model) + (model.parameters + batch + logits) * ITEM_BYTES[run.dtype] + epoch


def most_replicas(spec: Replicas, model: ModelSize, data: DataSize, device: MeasuredDevice) -> int:
    """Most replicas of a group beside its baseline and its twin."""
    return max(1, GROUP_BYTES[device] // member_bytes(spec, model, data) - 2)
