import re
from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import orthogonal

from tests.support.perceptrons import linear_layers
from workers.brackets.functional import Functional
from workers.brackets.paths.structured.network import Network, unsupported
from workers.losses.functions import cross_entropy

SUPPORTED = {
    "plain": linear_layers((6, 4, 3)),
    "linear": nn.Linear(6, 3),
    "nested": nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(6, 4), nn.Sequential(nn.Mish())), nn.Sequential(nn.Linear(4, 3))
    ),
    "named": nn.Sequential(OrderedDict(inner=nn.Linear(6, 4), act=nn.GELU(), head=nn.Linear(4, 3, bias=False))),
    "two activations": nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Softplus(), nn.Linear(4, 3)),
    "none": nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 3)),
    "activation first": nn.Sequential(
        nn.Tanh(), nn.Flatten(), nn.Linear(6, 4), nn.ReLU(inplace=True), nn.Linear(4, 3)
    ),
    "dropout": nn.Sequential(nn.Linear(6, 4), nn.Dropout(0.5), nn.Linear(4, 3)),
}


def shared() -> nn.Module:
    layer = nn.Linear(4, 4)
    return nn.Sequential(layer, nn.Tanh(), layer)


def tied() -> nn.Module:
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = first.weight
    return nn.Sequential(first, nn.Tanh(), second)


def hooked() -> nn.Module:
    model = linear_layers((4, 3))
    model[1].register_forward_hook(lambda module, args, output: 2 * output)
    return model


def stray() -> nn.Module:
    model = linear_layers((4, 3))
    model.register_parameter("scale", nn.Parameter(torch.ones(1)))
    return model


class Doubled(nn.Linear):
    pass


UNSUPPORTED = {
    "conv": (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2, 3)), "0: Conv2d is neither Linear nor"),
    "batchnorm": (nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.BatchNorm1d(4)), nn.Linear(4, 3)), "1.0: Batch"),
    "not sequential": (nn.Bilinear(2, 2, 2), "the model: Bilinear"),
    "no linear": (nn.Sequential(nn.Flatten(), nn.Tanh()), "1: the last module is not Linear"),
    "empty": (nn.Sequential(), "the model: the last module is not Linear"),
    "activation last": (nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()), "1: the last module is not Linear"),
    "late flatten": (nn.Sequential(nn.Linear(4, 3), nn.Flatten(), nn.Linear(6, 3)), "1: Flatten after a Linear"),
    "partial flatten": (nn.Sequential(nn.Flatten(2), nn.Linear(4, 3)), "0: Flatten after .* of some axes only"),
    "subclass": (nn.Sequential(Doubled(4, 3)), "0: Doubled is neither"),
    "parametrised": (nn.Sequential(orthogonal(nn.Linear(4, 3))), "0: ParametrizedLinear is neither"),
    "shared": (shared(), "the model: Linear modules share parameters"),
    "tied": (tied(), "the model: Linear modules share parameters"),
    "hooked": (hooked(), "1: has forward hooks"),
    "stray": (stray(), "scale: a parameter outside of Linear modules"),
}  # fmt: skip


@pytest.mark.parametrize("model", SUPPORTED.values(), ids=SUPPORTED)
def test_perceptrons_are_known_and_run_as_the_module_does(model: nn.Module) -> None:
    functional = Functional.of(model, cross_entropy)
    assert unsupported(model) == []
    network = Network.of(functional)
    assert network.names == tuple(functional.parameters)
    inputs = torch.randn(3, 6)
    activations, jets, logits = network.forward(inputs)
    assert len(activations) == len(network.layers) == len(jets) + 1
    torch.testing.assert_close(logits, functional.logits(functional.parameters, inputs))


@pytest.mark.parametrize(("model", "reason"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_why_other_models_are_not(model: nn.Module, reason: str) -> None:
    (found,) = unsupported(model.eval())
    assert re.match(reason, found)


def test_every_module_in_the_way_is_named() -> None:
    model = nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 4), nn.PReLU(), nn.Linear(4, 3))
    assert [reason.split(":")[0] for reason in unsupported(model)] == ["0", "2"]


def test_inputs_are_not_written_into() -> None:
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(6, 3))
    inputs = torch.randn(3, 6)
    before = inputs.clone()
    Network.of(Functional.of(model, cross_entropy)).forward(inputs)
    assert torch.equal(inputs, before)


def test_what_is_held_fixed_is_no_part_of_theta() -> None:
    model = linear_layers((6, 4, 3))
    model[1].weight.requires_grad_(False)
    model[3].bias.requires_grad_(False)
    first, last = Network.of(Functional.of(model, cross_entropy)).layers
    assert (first.weight_name, first.bias_name) == (None, "1.bias")
    assert (last.weight_name, last.bias_name) == ("3.weight", None)
    gram = torch.tensor([2.0])
    assert first.overlap(gram).tolist() == [1]
    assert last.overlap(gram).tolist() == [2]
