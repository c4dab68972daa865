"""What members of a group take while they train: P parameters, a batch of B examples."""

from typing import assert_never

from schemas.optimizers import Adam, AdamW, RegistryOptimizer, RmsProp, Sgd
from schemas.perturbations import Change
from schemas.replicas import Replicas
from service.planner.costs import MeasuredDevice
from service.planner.memory import ITEM_BYTES
from service.planner.size import ModelSize

GROUP_BYTES: dict[MeasuredDevice, int] = {"cpu": 2**30, "cuda": 8 * 2**30}
"""What a group should take at most. It grows beyond that only where one replica needs more."""


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


def member_bytes(spec: Replicas, model: ModelSize) -> int:
    """Bytes of a member while it trains: its state, the copy being saved, gradients, activations and theirs."""
    batch = 2 * spec.training.batch_size * model.activations
    return 2 * saved_bytes(spec, model) + (model.parameters + batch) * ITEM_BYTES[spec.training.dtype]


def most_replicas(spec: Replicas, model: ModelSize, device: MeasuredDevice) -> int:
    """Most replicas of a group beside its baseline and its twin."""
    return max(1, GROUP_BYTES[device] // max(1, member_bytes(spec, model)) - 2)
