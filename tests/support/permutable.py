"""Small networks whose units can be renumbered, at points where no two units are alike."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from schemas.models import BagOfEmbeddings, ConvNet, Mlp, Model
from schemas.residual import Layout
from workers.models import build
from workers.models.mxresnet import residual_network
from workers.replicas.alignment import Permutations, PermutationSpec

IMAGE, TEXT, VOCABULARY, K = (2, 6, 6), (7,), 20, 3
RESIDUAL = Layout(stem=(3, 4, 4), stages=(4, 5), blocks=(2, 1), expansion=1)
AVERAGED = Layout(stem=(3, 4, 4), stages=(4, 4), blocks=(1, 1), expansion=1)
BOTTLENECKS = Layout(stem=(3, 4, 4), stages=(3, 4), blocks=(2, 2), expansion=2)


@dataclass(frozen=True)
class Network:
    """A model with parameters and buffers of its own, in float64."""

    model: nn.Module
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]
    inputs: Tensor

    def logits(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], train: bool) -> Tensor:
        """In train mode the buffers are overwritten."""
        return torch.func.functional_call(self.model.train(train), (parameters, buffers), (self.inputs,))


def _zoo(spec: Model) -> Callable[[], nn.Module]:
    if isinstance(spec, BagOfEmbeddings):
        return lambda: build(spec, TEXT, K, VOCABULARY)
    return lambda: build(spec, IMAGE, K)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "mlp": _zoo(Mlp(hidden=(6, 5, 4), activation="tanh")),
    "mlp, no bias": _zoo(Mlp(hidden=(6, 5), bias=False)),
    "mlp, linear": _zoo(Mlp(hidden=())),
    "convnet": _zoo(ConvNet(channels=(4, 6, 5))),
    "convnet, no norm": _zoo(ConvNet(channels=(4, 3), norm="none", activation="relu")),
    "bag": _zoo(BagOfEmbeddings(width=6, hidden=(5,))),
    "residual": lambda: residual_network(RESIDUAL, IMAGE[0], K, "mish"),
    "residual, averaged": lambda: residual_network(AVERAGED, IMAGE[0], K, "mish"),
    "residual, bottlenecks": lambda: residual_network(BOTTLENECKS, IMAGE[0], K, "tanh"),
}


def network(name: str, seed: int = 0) -> Network:
    """With every number drawn anew, those of BatchNorm too, since an identity would hide a forgotten permutation."""
    model = NETWORKS[name]().double()
    draw = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        drawn_anew = torch.randn(parameter.shape, generator=draw, dtype=torch.float64)
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
        parameter.data.copy_(drawn_anew / fan_in**0.5)
    for buffer in model.buffers():
        if buffer.is_floating_point():
            buffer.copy_(torch.rand(buffer.shape, generator=draw, dtype=torch.float64) + 0.5)
    text = name == "bag"
    inputs = (
        torch.randint(0, VOCABULARY, (4, *TEXT), generator=draw)
        if text
        else torch.randn(4, *IMAGE, generator=draw, dtype=torch.float64)
    )
    return Network(
        model,
        {key: parameter.detach() for key, parameter in model.named_parameters()},
        {key: buffer.clone() for key, buffer in model.named_buffers()},
        inputs,
    )


def drawn(spec: PermutationSpec, seed: int = 0) -> Permutations:
    """A random order of every group, never the identity."""
    draw = torch.Generator().manual_seed(seed)
    orders = {}
    for group, size in spec.sizes.items():
        order = torch.randperm(size, generator=draw)
        orders[group] = order if not torch.equal(order, torch.arange(size)) else order.roll(1)
    return orders
