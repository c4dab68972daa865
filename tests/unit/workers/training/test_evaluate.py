import pytest
import torch
from torch import Tensor, nn

from workers.data import Split
from workers.losses import cross_entropy
from workers.training import evaluate as module
from workers.training.evaluate import evaluate


def softmax(logits: Tensor) -> Tensor:
    return logits.softmax(-1)


@pytest.fixture
def split() -> Split:
    draw = torch.Generator().manual_seed(0)
    return Split(torch.randn(11, 3, generator=draw), torch.randint(0, 4, (11,), generator=draw))


def test_means_over_the_split_in_several_parts(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 4)
    model = nn.Linear(3, 4)
    found = evaluate(model, cross_entropy, split, nn.functional.one_hot(split.labels, 4).float(), softmax)
    logits = model(split.inputs)
    assert found.loss == pytest.approx(float(nn.functional.cross_entropy(logits, split.labels).detach()), rel=1e-6)
    assert found.accuracy == pytest.approx(sum((logits.argmax(1) == split.labels).tolist()) / 11)


def test_mode_statistics_and_generators_are_left_alone(split: Split) -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(), nn.Linear(3, 4))
    state = torch.get_rng_state()
    targets = nn.functional.one_hot(split.labels, 4).float()
    first = evaluate(model, cross_entropy, split, targets, softmax)
    assert evaluate(model, cross_entropy, split, targets, softmax) == first
    assert model.training
    assert int(model[0].num_batches_tracked) == 0
    assert torch.equal(torch.get_rng_state(), state)
