"""Autocorrelations of the replicas of a group between its checkpoints.

Axes: C checkpoints, m replicas, n drawn test examples, K outputs, p = C (C + 1) / 2 pairs of checkpoints.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement

import numpy as np
import torch
from torch import Tensor

from schemas.blocks import ObjectRef, ReplicaCorrelations
from schemas.replicas import Replicas
from workers.context import Context
from workers.data import load
from workers.data.dataset import Dataset
from workers.determinism import deterministic
from workers.inputs import needed
from workers.outcome import Finished
from workers.precision import torch_dtype
from workers.replicas.distances import Examples
from workers.replicas.distances.columns import Floats
from workers.replicas.dynamics.autocorrelation import correlations
from workers.replicas.record import COMMON, members_of
from workers.replicas.stack import stack

LOGIT_BYTES = 2**28
"""Of logits that are kept at once: with more, replicas are taken in turn."""


def replica_correlations(
    spec: Replicas, payload: ReplicaCorrelations, inputs: Sequence[ObjectRef], context: Context
) -> Finished:
    """Correlate weights and logits of each replica at every checkpoint with itself at every later one.

    Weights are all parameters, read two states at a time. Logits are those of the drawn test examples, in eval mode.

    Stores `correlations/<group>`: `replicas` (m,), `start_steps` and `steps` (p,), `weights` and `logits` (p, m); NaN
    where a vector is constant or not finite.

    Raises:
        Cancelled: the block was told to stop.
    """
    first, stop = payload.replicas
    refs = {step: needed(inputs, f"states/{step:09d}/{payload.group:05d}") for step in spec.training.checkpoints}
    pairs = list(combinations_with_replacement(sorted(refs), 2))
    with deterministic():
        dataset = load(spec.training.data, context, torch_dtype(spec.training.dtype))
        stored = context.store(
            f"correlations/{payload.group:05d}",
            {
                "replicas": torch.arange(first, stop),
                "start_steps": torch.tensor([start for start, _ in pairs]),
                "steps": torch.tensor([step for _, step in pairs]),
                "weights": torch.from_numpy(_of_weights(refs, pairs, stop - first, context)),
                "logits": torch.from_numpy(_of_logits(spec, refs, pairs, stop - first, dataset, context)),
            },
            {
                "replicas": "replica",
                "start_steps": "pair",
                "steps": "pair",
                "weights": "pair replica",
                "logits": "pair replica",
            },
        )
    return Finished(data={"group": payload.group, "pairs": len(pairs)}, objects=(stored,))


def _of_weights(refs: dict[int, ObjectRef], pairs: Sequence[tuple[int, int]], m: int, context: Context) -> Floats:
    """(p, m)."""
    members, found = range(COMMON, COMMON + m), []
    for start, step in pairs:
        context.check_cancelled()
        earlier, later = (_parameters(context.arrays(refs[one])) for one in (start, step))
        with context.kernel():
            found.append(correlations(earlier, later, members))
    return np.array(found)


def _of_logits(
    spec: Replicas,
    refs: dict[int, ObjectRef],
    pairs: Sequence[tuple[int, int]],
    m: int,
    dataset: Dataset,
    context: Context,
) -> Floats:
    """(p, m)."""
    examples = Examples.drawn(1, spec.measures.test_examples, spec.seed, dataset).test
    per_replica = len(refs) * len(examples) * len(dataset.label_names) * torch_dtype(spec.training.dtype).itemsize
    found = np.empty((len(pairs), m))
    for part in _parts(m, max(1, LOGIT_BYTES // per_replica)):
        members = stack(spec.training, dataset, torch_dtype(spec.training.dtype), len(part))
        logits = {}
        for step, ref in refs.items():
            context.check_cancelled()
            state = context.arrays(ref)
            with context.kernel():
                members.restore(_states(state, part))
                logits[step] = {"logits": members.logits(examples.inputs).cpu()}
        with context.kernel():
            for place, (start, step) in enumerate(pairs):
                found[place, part.start : part.stop] = correlations(logits[start], logits[step], range(len(part)))
    return found


def _parts(m: int, width: int) -> Iterator[range]:
    for start in range(0, m, width):
        yield range(start, min(m, start + width))


def _parameters(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if name.startswith("parameters/")}


def _states(state: dict[str, Tensor], replicas: range) -> dict[str, Tensor]:
    """What the stack keeps of some replicas of the group."""
    own = {name: tensor for name, tensor in state.items() if not name.startswith("landmarks/")}
    return members_of(own, [COMMON + replica for replica in replicas])
