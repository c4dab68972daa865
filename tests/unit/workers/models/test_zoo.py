"""What every model of the zoo has in common: layers that brackets can tap, and training that works."""

from collections import Counter

import pytest
import torch
from torch import nn

from schemas.models import BagOfEmbeddings, ConvNet, Mlp, MxResNet, Transformer, ZooModel
from schemas.optimizers import Sgd
from schemas.training import Training
from workers.data import Dataset, Split
from workers.determinism import deterministic
from workers.models import build
from workers.training.run import Run

TAPPED = (nn.Linear, nn.Conv2d, nn.BatchNorm2d, nn.LayerNorm, nn.Embedding)
VOCABULARY = 30


def images() -> Dataset:
    inputs = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    split = Split(inputs, torch.arange(8) % 2)
    return Dataset(split, split, ("a", "b"), "none")


def texts() -> Dataset:
    tokens = torch.randint(1, VOCABULARY, (8, 12), generator=torch.Generator().manual_seed(0))
    tokens[:, 9:] = 0
    split = Split(tokens, torch.arange(8) % 2)
    return Dataset(split, split, ("a", "b"), "none", VOCABULARY)


CASES: list[tuple[ZooModel, Dataset]] = [
    (Mlp(), images()),
    (ConvNet(), images()),
    (MxResNet(), images()),
    (MxResNet(depth=50), images()),
    (Transformer(), images()),
    (Transformer(), texts()),
    (BagOfEmbeddings(), texts()),
]
zoo = pytest.mark.parametrize(("spec", "data"), CASES, ids=[spec.kind for spec, _ in CASES])


@zoo
def test_parameters_belong_to_known_layers_each_called_once(spec: ZooModel, data: Dataset) -> None:
    model = build(spec, data.input_shape, 2, data.vocabulary).eval()
    calls: Counter[str] = Counter()
    holders = {name for name, m in model.named_modules() if next(m.parameters(recurse=False), None) is not None}
    for name, module in model.named_modules():
        assert not getattr(module, "inplace", False)
        assert getattr(module, "groups", 1) == 1
        if name in holders or not list(module.children()):
            module.register_forward_hook(lambda *_, name=name: calls.update([name]))
        if name in holders:
            assert isinstance(module, TAPPED)
    model(data.train.inputs)
    assert holders <= calls.keys()
    assert set(calls.values()) == {1}


@zoo
def test_examples_do_not_influence_each_other(spec: ZooModel, data: Dataset) -> None:
    model = build(spec, data.input_shape, 2, data.vocabulary).double().eval()
    inputs = data.to(torch.device("cpu"), torch.float64).train.inputs
    torch.testing.assert_close(model(inputs)[2:3], model(inputs[2:3]), rtol=1e-9, atol=1e-11)


@zoo
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_of_training_moves_every_tensor(spec: ZooModel, data: Dataset, dtype: str) -> None:
    if isinstance(spec, MxResNet):
        spec = spec.model_copy(update={"zero_last_norm": False})
    training = Training(steps=1, model=spec, optimizer=Sgd(lr=0.01), dtype=dtype)
    kind = getattr(torch, dtype)
    with deterministic():
        run = Run.start(training, data.to(torch.device("cpu"), kind), kind)
        before = [parameter.detach().clone() for parameter in run.model.parameters()]
        record = run.step(1, torch.arange(8))
        _, test = run.evaluate()
    assert 0 < record.loss < 100
    assert 0 <= test.accuracy <= 1
    for (name, parameter), old in zip(run.model.named_parameters(), before, strict=True):
        # Softmax does not see what is added to every key of a query.
        assert name.endswith("attention.key.bias") or not torch.equal(parameter, old), name
