"""Sizes from specs against the real modules: their tensors, their products, the numbers through their layers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from schemas.data import Digits, RegistryData
from schemas.models import BagOfEmbeddings, ConvNet, Layers, Mlp, Model, MxResNet, RegistryModel, Transformer
from schemas.training import Training
from service.planner.size import UNKNOWN_MODEL, DataSize, data_size, model_size
from workers.models import build

IMAGES = [
    Mlp(),
    Mlp(hidden=(), bias=False),
    Mlp(hidden=(7, 5), outputs=3),
    Mlp(hidden=Layers(depth=3, parameters=50_000)),
    ConvNet(),
    ConvNet(channels=Layers(depth=4, parameters=4_000), norm="none"),
    ConvNet(channels=(4, 3), norm="none"),
    MxResNet(),
    MxResNet(depth=34, outputs=40),
    MxResNet(depth=50),
    Transformer(),
    Transformer(width=6, depth=3, heads=3, mlp_ratio=2, patch=1),
]
TEXTS = [
    Transformer(),
    Transformer(width=6, depth=1, heads=1),
    BagOfEmbeddings(),
    BagOfEmbeddings(hidden=()),
    BagOfEmbeddings(width=5, hidden=Layers(depth=2, parameters=900)),
]
UNKNOWN = RegistryData(name="x")
SHAPES = [(1, 8, 8), (3, 64, 64), (3, 20, 12)]


def kind(model: Model) -> str:
    return model.kind


def check(model: Model, data: DataSize, inputs: Tensor) -> None:
    """Everything the planner says of a model is what one example's forward pass shows."""
    size = model_size(Training(steps=1, data=UNKNOWN, model=model), data)
    with torch.device("meta"):
        module = build(model, data.shape, data.labels, data.vocabulary).eval()
        numbers = []
        for layer in module.modules():
            if next(layer.parameters(recurse=False), None) is not None:
                layer.register_forward_hook(lambda _, given, made: numbers.append(given[0].numel() + made.numel()))
        with FlopCounterMode(display=False) as products:
            module(inputs.to("meta"))
    parameters = list(module.parameters())
    assert size.parameters == sum(parameter.numel() for parameter in parameters)
    assert size.tensors == len(parameters)
    assert size.activations == sum(numbers)
    assert size.forward_flops == products.get_total_flops()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("model", IMAGES, ids=kind)
def test_on_images(model: Model, shape: tuple[int, ...]) -> None:
    check(model, DataSize(9, 9, 10, shape), torch.zeros(1, *shape))


@pytest.mark.parametrize("model", TEXTS, ids=kind)
def test_on_texts(model: Model) -> None:
    check(model, DataSize(9, 9, 2, (11,), vocabulary=30), torch.ones(1, 11, dtype=torch.int64))


def test_digits_are_small_images() -> None:
    assert data_size(Digits(), None) == DataSize(1437, 360, 10, (1, 8, 8), None)


@pytest.mark.parametrize("model", [*IMAGES, BagOfEmbeddings()], ids=kind)
def test_data_that_only_a_worker_knows_are_guessed(model: Model) -> None:
    size = model_size(Training(steps=1, data=UNKNOWN, model=model), data_size(UNKNOWN, None))
    assert size.parameters > 0
    assert size != UNKNOWN_MODEL


@pytest.mark.parametrize("model", [RegistryModel(name="x"), BagOfEmbeddings(), Transformer(patch=3)], ids=kind)
def test_a_model_that_cannot_be_walked_is_guessed(model: Model) -> None:
    assert model_size(Training(steps=1, model=model), data_size(Digits(), None)) == UNKNOWN_MODEL


@settings(max_examples=20)
@given(
    channels=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    blocks=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3)),
    patch=st.integers(1, 3),
    extent=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    norm=st.sampled_from(["batch", "none"]),
)
def test_of_any_width(channels: list[int], blocks: tuple[int, int, int], patch: int, extent: tuple[int, int], norm):
    heads, ratio, depth = blocks
    shape = (channels[0], extent[0] * patch, extent[1] * patch)
    for model in (
        Mlp(hidden=tuple(channels)),
        ConvNet(channels=tuple(channels), norm=norm),
        Transformer(width=heads * channels[-1], heads=heads, mlp_ratio=ratio, depth=depth, patch=patch),
    ):
        check(model, DataSize(9, 9, 3, shape), torch.zeros(1, *shape))
