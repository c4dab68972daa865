"""Alignments of replicas with the baseline, and barriers between them, at a checkpoint.

Axes: m replicas, R members of their group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from schemas.blocks import ObjectRef, ReplicaPaths
from schemas.replicas import Barriers, Replicas
from workers.context import Context
from workers.data import load
from workers.data.dataset import Dataset, Split
from workers.determinism import deterministic
from workers.inputs import needed
from workers.losses import example_loss, loss_targets, probabilities
from workers.models import initialised
from workers.outcome import Finished, Rows
from workers.precision import torch_dtype
from workers.replicas.alignment import Alignment, match_weights, permutation_spec, permuted
from workers.replicas.barriers import Barrier, Estimation, Judge, State, StraightPath, straight_path
from workers.replicas.distances import Examples
from workers.replicas.group import BASELINE
from workers.replicas.record import COMMON

VALUES = ("max_minus_ends", "midpoint", "mean_minus_chord", "start", "end")
SPLITS, QUANTITIES = ("train", "test"), ("loss", "error")
AXES = {
    "replicas": "replica",
    "distance": "replica",
    "aligned_distance": "replica",
    "barrier": "replica aligned split quantity value",
}


@dataclass(frozen=True)
class Between:
    """What lies between the baseline and one replica.

    Attributes:
        replica: The job's number.
        alignment: If it was asked for.
        barriers: (aligned, split, quantity, value) in the orders of the constants; (0, …) if not asked for.
    """

    replica: int
    alignment: Alignment | None
    barriers: Tensor
'''.replace('''

@dataclass(frozen=True)
class Between:''','''

@dataclass(frozen=True)
class Between:''') if False else '' 
