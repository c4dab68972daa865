"""What the benches of replicas measure is what they say, and nothing wrong can be fast."""

from pathlib import Path

import pytest
import torch

from bench.idx_files import write_idx
from bench.replicas.groups import group
from bench.replicas.subjects import CONVNET, MLP, Subject
from bench.replicas.training import check
from holonomy.importers import idx
from schemas.models import ZooModel
from schemas.optimizers import Adam, Sgd
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


@pytest.mark.parametrize("model", [MLP, CONVNET], ids=lambda model: model.kind)
def test_a_stack_passes_the_check_and_a_moved_one_does_not(model: ZooModel) -> None:
    subject = Subject.of(model, Adam() if model is CONVNET else Sgd(lr=0.01), torch.device("cpu"))
    members = subject.stacked(2)
    check(members, subject.sequential())
    with pytest.raises(RuntimeError, match="must come to where sequential training does"):
        check(members, subject.sequential())
