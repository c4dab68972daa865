"""Alignment and barriers on a GPU are those of the CPU, in float64."""

from dataclasses import astuple

import pytest
import torch
from torch import Tensor

from tests.support.permutable import NETWORKS, K, network
from workers.data.dataset import Split
from workers.determinism import deterministic
from workers.losses import cross_entropy
from workers.replicas.alignment import match_weights, permutation_spec, permuted
from workers.replicas.barriers import Judge, State, straight_paths

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def numbers(name: str, device: str) -> list[float]:
    """Distances, and losses and errors on the way to the aligned network."""
    first, second = network(name, 1), network(name, 2)
    spec = permutation_spec(first.model)

    def moved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {key: tensor.to(device) for key, tensor in tensors.items()}

    found = match_weights(spec, moved(first.parameters), moved(second.parameters), 0)
    end = State(*(permuted(spec, moved(part), found.permutations) for part in (second.parameters, second.buffers)))
    inputs, labels = first.inputs.to(device), (torch.arange(len(first.inputs)) % K).to(device)
    targets = torch.eye(K, dtype=torch.float64, device=device)[labels]
    judge = Judge(Split(inputs, labels), targets, cross_entropy, lambda z: z.softmax(-1))
    start = State(moved(first.parameters), moved(first.buffers))
    path = straight_paths(first.model, start, end, {"test": judge}, inputs)["test"]
    return [*found.start_distances, *path.losses, *path.errors, *astuple(path.loss_barrier)]


@pytest.mark.parametrize("name", NETWORKS)
def test_both_devices_agree(name: str) -> None:
    with deterministic():
        found, again, expected = (numbers(name, device) for device in ("cuda", "cuda", "cpu"))
    assert found == again
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-10)
