"""Groups as they are read off the modules."""

import pytest
import torch
from torch import nn

from schemas.models import BagOfEmbeddings, ConvNet, Mlp, MxResNet, Transformer, ZooModel
from schemas.permutable import unpermutable
from tests.support.permutable import IMAGE, NETWORKS, TEXT, VOCABULARY, K, drawn, network
from workers.errors import UserFault
from workers.models import build
from workers.models.pools import GlobalAveragePool
from workers.replicas.alignment import PermutationSpec, permutation_spec, permuted

every_network = pytest.mark.parametrize("name", NETWORKS)


def readable(spec: PermutationSpec) -> dict[str, str]:
    return {group: " ".join(f"{name}/{axis}" for name, axis in places) for group, places in spec.groups.items()}


def test_groups_of_a_perceptron() -> None:
    spec = permutation_spec(NETWORKS["mlp"]())
    assert readable(spec) == {
        "1": "1.weight/0 1.bias/0 3.weight/1",
        "3": "3.weight/0 3.bias/0 5.weight/1",
        "5": "5.weight/0 5.bias/0 7.weight/1",
    }
    assert spec.sizes == {"1": 6, "3": 5, "5": 4}


def test_groups_of_a_convnet_hold_the_buffers() -> None:
    spec = permutation_spec(NETWORKS["convnet"]())
    norm = "1.weight/0 1.bias/0 1.running_mean/0 1.running_var/0"
    assert readable(spec)["0"] == f"0.weight/0 {norm} 3.weight/1"
    assert readable(spec)["6"].endswith("7.running_var/0 10.weight/1")


def test_groups_of_a_bag_begin_with_the_embedding() -> None:
    assert readable(permutation_spec(NETWORKS["bag"]())) == {
        "embedding": "embedding.weight/1 perceptron.1.weight/1",
        "perceptron.1": "perceptron.1.weight/0 perceptron.1.bias/0 perceptron.3.weight/1",
    }


def test_an_identity_shortcut_ties_and_a_convolution_unties() -> None:
    """Blocks 10 and 11 add to the stem's maps; block 12 has a shortcut with a convolution and its own maps."""
    groups = readable(permutation_spec(NETWORKS["residual"]()))
    assert set(groups) == {"0", "3", "6", "10.branch.0", "11.branch.0", "12.branch.0", "12.branch.3"}
    tied = {place for place in groups["6"].split() if "weight" in place and place.endswith(("/0", "/1"))}
    assert {"6.weight/0", "10.branch.3.weight/0", "11.branch.3.weight/0", "12.shortcut.1.weight/1"} <= tied
    assert "12.branch.0.weight/1" in tied
    assert "12.shortcut.1.weight/0" in groups["12.branch.3"]
    assert groups["12.branch.3"].endswith("14.weight/1")


def test_a_shortcut_that_only_averages_ties() -> None:
    groups = readable(permutation_spec(NETWORKS["residual, averaged"]()))
    assert set(groups) == {"0", "3", "6", "10.branch.0", "11.branch.0"}
    assert groups["6"].endswith("13.weight/1")


@pytest.mark.parametrize(("depth", "count"), [(18, 14), (50, 39)])
def test_the_residual_networks_of_the_zoo(depth: int, count: int) -> None:
    """Stem of three, of which the last is the first stage's maps unless expanded; then inner maps, and stages."""
    spec = permutation_spec(build(MxResNet(depth=depth, initialisation="pytorch"), (3, 32, 32), 10))
    assert len(spec.groups) == count
    assert max(spec.sizes.values()) == (2048 if depth == 50 else 512)


@every_network
@pytest.mark.parametrize("train", [False, True])
def test_a_permutation_does_not_change_the_function(name: str, train: bool) -> None:
    net = network(name)
    spec = permutation_spec(net.model)
    orders = drawn(spec)
    before, after = ({key: buffer.clone() for key, buffer in net.buffers.items()} for _ in range(2))
    after = permuted(spec, after, orders)
    expected = net.logits(net.parameters, before, train)
    found = net.logits(permuted(spec, net.parameters, orders), after, train)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    for key, buffer in permuted(spec, before, orders).items():  # as train mode left them
        torch.testing.assert_close(after[key], buffer, rtol=1e-12, atol=1e-12)


@every_network
def test_every_place_is_needed(name: str) -> None:
    net = network(name)
    whole = permutation_spec(net.model)
    expected = net.logits(net.parameters, net.buffers, train=False)
    for group, places in whole.groups.items():
        for left_out in places:
            part = PermutationSpec({group: tuple(p for p in places if p != left_out)}, whole.sizes)
            found = net.logits(
                permuted(part, net.parameters, drawn(whole)), permuted(part, net.buffers, drawn(whole)), train=False
            )
            assert float((found - expected).abs().max()) > 1e-6, left_out


@pytest.mark.parametrize("model", [Mlp(), ConvNet(), MxResNet(initialisation="pytorch"), BagOfEmbeddings()])
def test_a_spec_that_is_said_to_be_permutable_has_groups(model: ZooModel) -> None:
    text = isinstance(model, BagOfEmbeddings)
    assert unpermutable(model) is None
    assert permutation_spec(build(model, TEXT if text else IMAGE, K, VOCABULARY if text else None)).groups


class Doubled(nn.Linear):
    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(features).flip(-1)


def shared() -> nn.Module:
    layer = nn.Linear(4, 4)
    return nn.Sequential(nn.Flatten(), layer, nn.ReLU(), layer)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (build(Transformer(), (3, 8, 8), 2), r"a Encoder has none: it is not known how its units follow from inputs"),
        (nn.Sequential(nn.Flatten(), Doubled(4, 4)), r"the layer '1' \(Doubled\) has none"),
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 4), nn.LayerNorm(4)), r"'2' \(LayerNorm\).* follow from features"),
        (nn.Sequential(nn.Conv2d(4, 4, 1, groups=2), GlobalAveragePool()), r"the layer '0' \(Conv2d\) has none"),
        (nn.Sequential(nn.Conv2d(1, 4, 1), nn.Flatten()), r"'1' \(Flatten\).* follow from maps; use an mlp"),
        (shared(), r"permutation spec; '3.weight' has none: it is shared between layers; use an mlp"),
    ],
    ids=["transformer", "subclass", "unknown", "grouped", "flattened", "shared"],
)
def test_what_has_no_spec_is_refused(model: nn.Module, message: str) -> None:
    with pytest.raises(UserFault, match=message):
        permutation_spec(model)
