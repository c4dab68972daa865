import pytest
import torch
from torch import nn

from schemas.models import ConvNet, Layers, Mlp, MxResNet, RegistryModel, Transformer
from workers.errors import UserFault
from workers.models import build, initialised

IMAGE = (1, 8, 8)


def kinds(model: nn.Module) -> list[str]:
    return [type(module).__name__ for module in model]


def test_an_mlp_alternates_linear_layers_and_activations() -> None:
    model = build(Mlp(hidden=(5, 3), activation="tanh", bias=False), IMAGE, 10)
    assert kinds(model) == ["Flatten", "Linear", "Tanh", "Linear", "Tanh", "Linear"]
    assert [tuple(p.shape) for p in model.parameters()] == [(5, 64), (3, 5), (10, 3)]


def test_an_mlp_without_hidden_layers_is_linear() -> None:
    assert kinds(build(Mlp(hidden=()), (7,), 2)) == ["Flatten", "Linear"]


def test_a_convnet_halves_the_map_after_the_first_convolution() -> None:
    model = build(ConvNet(channels=(2, 3, 4), activation="gelu"), IMAGE, 10)
    assert kinds(model) == ["Conv2d", "BatchNorm2d", "GELU"] * 3 + ["GlobalAveragePool", "Linear"]
    assert model[:3](torch.zeros(2, *IMAGE)).shape == (2, 2, 8, 8)
    assert model[:9](torch.zeros(2, *IMAGE)).shape == (2, 4, 2, 2)
    assert model(torch.zeros(2, *IMAGE)).shape == (2, 10)
    assert model[0].bias is None


def test_a_convnet_without_norm_has_biases() -> None:
    model = build(ConvNet(channels=(2,), norm="none"), IMAGE, 10)
    assert kinds(model) == ["Conv2d", "Mish", "GlobalAveragePool", "Linear"]
    assert model[0].bias is not None


def test_the_pool_is_the_mean_over_the_map() -> None:
    maps = torch.arange(8.0).reshape(1, 2, 2, 2)
    assert build(ConvNet(channels=(2,)), IMAGE, 1)[3](maps).tolist() == [[1.5, 5.5]]


@pytest.mark.parametrize(
    "spec",
    [Mlp(outputs=3), ConvNet(outputs=3), MxResNet(outputs=3), Transformer(outputs=3)],
    ids=lambda spec: spec.kind,
)
def test_outputs_of_the_spec_win_over_the_labels(spec) -> None:
    assert build(spec, IMAGE, 10).eval()(torch.zeros(2, *IMAGE)).shape == (2, 3)


def test_a_convnet_needs_images() -> None:
    with pytest.raises(UserFault, match=r"needs inputs of shape \(channels, height, width\), the data has \(64,\)"):
        build(ConvNet(), (64,), 10)


def test_a_text_needs_a_model_of_texts() -> None:
    with pytest.raises(
        UserFault, match="a convnet takes numbers, and the data is text, as 12 token ids: use a bag_of"
    ):
        build(ConvNet(), (12,), 2, vocabulary=30)


@pytest.mark.parametrize(
    ("equal", "listed"),
    [
        (Mlp(hidden=Layers(depth=2, width=5)), Mlp(hidden=(5, 5))),
        (Mlp(hidden=Layers(depth=1, parameters=7_510)), Mlp()),
        (ConvNet(channels=Layers(depth=2, parameters=200)), ConvNet(channels=(3, 3))),
    ],
    ids=["width", "parameters", "convnet"],
)
def test_layers_of_equal_width_are_those_that_could_be_listed(equal, listed) -> None:
    built, expected = (initialised(spec, IMAGE, 10, seed=5, dtype=torch.float32) for spec in (equal, listed))
    assert str(built) == str(expected)
    assert all(map(torch.equal, built.parameters(), expected.parameters()))


def test_parameters_that_no_width_has() -> None:
    with pytest.raises(UserFault, match="depth 2 with 64 inputs and 10 outputs has at least 87 parameters"):
        build(Mlp(hidden=Layers(depth=2, parameters=5)), IMAGE, 10)


def test_a_registry_model_gets_its_options(lab: None) -> None:
    assert build(RegistryModel(name="dropout", options={"p": 0.125}), IMAGE, 4)[1].p == 0.125


def test_a_registry_factory_must_make_a_module(lab: None) -> None:
    with pytest.raises(UserFault, match=r"'not-a-module' must be a torch.nn.Module"):
        build(RegistryModel(name="not-a-module"), IMAGE, 4)


def test_parameters_that_no_seed_decides_are_refused(lab: None) -> None:
    with pytest.raises(UserFault, match="'lazy' has lazy modules, whose parameters no seed decides"):
        build(RegistryModel(name="lazy"), IMAGE, 4)


def test_initial_parameters_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = initialised(ConvNet(), IMAGE, 10, seed=5, dtype=torch.float32)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = initialised(ConvNet(), IMAGE, 10, seed=5, dtype=torch.float32)
    assert torch.equal(torch.get_rng_state(), state)
    other = initialised(ConvNet(), IMAGE, 10, seed=6, dtype=torch.float32)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first[0].weight, other[0].weight)


def test_both_types_start_at_the_same_point() -> None:
    single = initialised(Mlp(), IMAGE, 10, seed=5, dtype=torch.float32)
    double = initialised(Mlp(), IMAGE, 10, seed=5, dtype=torch.float64)
    for a, b in zip(single.parameters(), double.parameters(), strict=True):
        assert b.dtype == torch.float64
        assert torch.equal(a.double(), b)
