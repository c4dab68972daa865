"""The bench tells a stack that trains as torch.optim does from one that does not."""

import pytest
import torch

from bench.replicas.subjects import CONVNET, MLP, Subject
from bench.replicas.training import check
from schemas.models import ZooModel
from schemas.optimizers import Adam, Sgd


@pytest.mark.parametrize("model", [MLP, CONVNET], ids=lambda model: model.kind)
def test_a_stack_passes_the_check_and_a_moved_one_does_not(model: ZooModel) -> None:
    subject = Subject.of(model, Adam() if model is CONVNET else Sgd(lr=0.01), torch.device("cpu"))
    members = subject.stacked(2)
    check(members, subject.sequential())
    with pytest.raises(RuntimeError, match="must come to where sequential training does"):
        check(members, subject.sequential())
