"""What lies between two members of a group."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.support.replica_jobs import NOISE, replica_job
from workers.data.digits import digits
from workers.errors import Cancelled
from workers.replicas.alignment import permutation_spec, permuted
from workers.replicas.between import QUANTITIES, SPLITS, VALUES, Comparison

CONVNET = {"kind": "convnet", "channels": [3, 4]}
PERCEPTRON = {"kind": "mlp", "hidden": [6, 5]}
EVERY = (slice(None), SPLITS.index("test"), QUANTITIES.index("loss"), VALUES.index("max_minus_ends"))


def comparison(model: dict[str, Any], **asked: Any) -> Comparison:
    spec = replica_job([NOISE], training={"model": model, "dtype": "float64"}, **asked)
    return Comparison.of(spec, digits().to(torch.device("cpu"), torch.float64), lambda: None)


def state(comparison: Comparison, *members: dict[str, Tensor]) -> dict[str, Tensor]:
    buffers = set(dict(comparison.model.named_buffers()))
    return {
        f"{'buffers' if name in buffers else 'parameters'}/{name}": torch.stack([member[name] for member in members])
        for name in members[0]
    }


@pytest.mark.parametrize("model", [CONVNET, PERCEPTRON], ids=["batchnorm", "perceptron"])
def test_a_network_permuted_by_hand_is_found_again_without_a_barrier(model: dict[str, Any]) -> None:
    found = comparison(model, alignment={}, barriers={"examples": 50})
    own = {name: tensor.detach() for name, tensor in found.model.state_dict().items()}
    groups = permutation_spec(found.model)
    orders = {group: torch.arange(size).roll(1) for group, size in groups.sizes.items()}
    between = found.between(state(found, own, permuted(groups, own, orders)), 0, 1)
    assert between.alignment is not None
    assert between.alignment.distance == 0 < between.alignment.naive_distance
    assert between.alignment.moved_units == 1
    assert between.barriers is not None
    as_they_are, aligned = between.barriers[EVERY].tolist()
    assert as_they_are > 0
    assert aligned == 0


def test_without_alignment_the_path_is_walked_once() -> None:
    found = comparison(PERCEPTRON, barriers={"examples": 50})
    own = dict(found.model.state_dict())
    between = found.between(state(found, own, own), 0, 1)
    assert between.alignment is None
    assert between.barriers is not None
    assert between.barriers.shape == (1, len(SPLITS), len(QUANTITIES), len(VALUES))
    assert float(between.barriers[..., :3].abs().max()) == 0


def test_a_network_that_is_not_finite_gives_no_numbers() -> None:
    found = comparison(PERCEPTRON, alignment={}, barriers={"examples": 50})
    own = dict(found.model.state_dict())
    lost = {name: torch.full_like(tensor, torch.nan) for name, tensor in own.items()}
    between = found.between(state(found, own, lost), 0, 1)
    assert between.alignment is not None
    assert between.alignment.distance != between.alignment.distance
    assert between.barriers is not None
    assert bool(between.barriers[..., :3].isnan().all())


def test_examples_are_counted_by_split() -> None:
    found = comparison(PERCEPTRON, barriers={"examples": 400})
    assert (found.examples("train"), found.examples("test"), found.points) == (400, 360, 25)
    assert comparison(PERCEPTRON, alignment={}).points == 0


def test_walks_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled("told to stop")

    found = replace(comparison(PERCEPTRON, barriers={}), check_cancelled=stop)
    own = dict(found.model.state_dict())
    with pytest.raises(Cancelled):
        found.between(state(found, own, own), 0, 1)
