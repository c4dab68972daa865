from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from schemas.models import BagOfEmbeddings, ConvNet, Mlp, Model, MxResNet, Transformer
from schemas.residual import Layout
from tests.support.modules import Made
from workers.data import Split
from workers.models import initialised
from workers.models.mxresnet import residual_network
from workers.replicas.distances import layers
from workers.replicas.distances.layers import hidden_layers, layer_similarities


def made(spec: Model, shape: tuple[int, ...], vocabulary: int | None = None, seed: int = 0) -> nn.Module:
    return initialised(spec, shape, 3, seed, torch.float32, vocabulary).eval()


def state(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach() for name, tensor in (*model.named_parameters(), *model.named_buffers())}


def images(count: int = 20, edge: int = 8) -> Split:
    draw = torch.Generator().manual_seed(0)
    return Split(torch.randn(count, 3, edge, edge, generator=draw), torch.arange(count) % 3)


def cka(x: Tensor, y: Tensor) -> float:
    """From centred features, written another way."""
    x, y = (z.flatten(1).double().numpy() for z in (x, y))
    x, y = x - x.mean(0), y - y.mean(0)
    return float(np.linalg.norm(y.T @ x) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y))


@pytest.mark.parametrize(
    ("spec", "shape", "vocabulary", "names"),
    [
        (Mlp(hidden=(5, 4)), (3, 8, 8), None, ["2", "4"]),
        (Mlp(hidden=()), (3, 8, 8), None, []),
        (ConvNet(channels=(2, 3)), (3, 8, 8), None, ["2", "5", "6"]),
        (ConvNet(channels=(2,), norm="none"), (3, 8, 8), None, ["1", "2"]),
        (MxResNet(depth=18), (3, 32, 32), None, ["2", "5", "8", *(str(10 + block) for block in range(8)), "18"]),
        (Transformer(width=8, heads=2), (3, 8, 8), None, ["blocks.0", "blocks.1", "pool"]),
        (Transformer(width=8, heads=2), (6,), 11, ["blocks.0", "blocks.1", "pool"]),
        (BagOfEmbeddings(width=4, hidden=(5,)), (6,), 11, ["pool", "perceptron.2"]),
    ],
)
def test_hidden_layers_of_the_zoo(
    spec: Model, shape: tuple[int, ...], vocabulary: int | None, names: list[str]
) -> None:
    assert list(hidden_layers(made(spec, shape, vocabulary))) == names


def residual(seed: int) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return residual_network(Layout((2, 3, 3), (3, 4), (1, 1), 1), 3, 3, "mish").eval()


def outputs(model: nn.Module, name: str, inputs: Tensor) -> Tensor:
    """What one module says as the model runs."""
    seen: list[Tensor] = []
    handle = model.get_submodule(name).register_forward_hook(lambda module, given, output: seen.append(output))
    with torch.no_grad():
        model(inputs)
    handle.remove()
    return seen[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: made(Mlp(hidden=(5, 4)), (3, 8, 8), seed=seed),
        lambda seed: made(ConvNet(channels=(2, 3)), (3, 8, 8), seed=seed),
        lambda seed: made(Transformer(width=8, heads=2), (3, 8, 8), seed=seed),
        residual,
    ],
)
def test_similarities_are_those_of_the_layers_outputs(make: Callable[[int], nn.Module]) -> None:
    split = images()
    first, second = make(0), make(1)
    names, found = layer_similarities(first, [state(first), state(first), state(second)], split)
    assert names == hidden_layers(first)
    assert (found[0] == 1).all()
    for place, name in enumerate(names):
        expected = cka(outputs(first, name, split.inputs), outputs(second, name, split.inputs))
        assert found[1, place] == pytest.approx(expected, rel=1e-4)


def test_few_layers_at_a_time_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    split = images()
    members = [made(ConvNet(channels=(2, 3)), (3, 8, 8), seed=seed) for seed in range(2)]
    states = [state(model) for model in members]
    names, together = layer_similarities(members[0], states, split)
    monkeypatch.setattr(layers, "FEATURES", 1)
    monkeypatch.setattr(layers, "BATCH", 7)
    again, apart = layer_similarities(members[0], states, split)
    assert again == names
    np.testing.assert_allclose(apart, together, rtol=1e-6)


def test_models_without_hidden_layers_have_no_similarities() -> None:
    model = made(Mlp(hidden=()), (3, 8, 8))
    names, found = layer_similarities(model, [state(model)] * 3, images())
    assert names == ()
    assert found.shape == (2, 0)


def test_modules_that_are_never_called_are_left_out() -> None:
    model = Made(lambda m, x: m.used(x.flatten(1)).relu_(), used=nn.Tanh(), unused=nn.ReLU())
    names, found = layer_similarities(model, [{}, {}], images())
    assert names == ("used",)
    assert found.tolist() == [[1.0]]


def test_nothing_stays_on_the_model() -> None:
    model = made(Mlp(hidden=(5,)), (3, 8, 8))
    layer_similarities(model, [state(model)] * 2, images())
    assert not any(module._forward_hooks for module in model.modules())
