"""What the benches of replicas measure is what they say: the reference run's network, and a dataset like MNIST."""

from pathlib import Path

import torch

from bench.idx_files import write_idx
from bench.replicas.groups import group
from holonomy.importers import idx
from workers.replicas.group import BASELINE, TWIN


def test_the_group_trains_the_network_of_the_reference_run() -> None:
    members = group(4, torch.device("cpu"))
    shapes = [tuple(tensor.shape) for tensor in members.stack.parameters.values()]
    assert shapes == [(4, 100, 784), (4, 100), (4, 10, 100), (4, 10)]
    for step in (1, 2):
        members.step(step)
    weights = members.stack.parameters["1.weight"]
    assert torch.equal(weights[BASELINE], weights[TWIN])
    assert not torch.equal(weights[BASELINE], weights[TWIN + 1])


def test_the_files_are_a_dataset(tmp_path: Path) -> None:
    write_idx(tmp_path / "idx", 20, 10)
    found = idx.open_folder(tmp_path / "idx")
    assert (found.count("train"), found.count("test"), found.shape, len(found.labels)) == (20, 10, (28, 28), 10)
