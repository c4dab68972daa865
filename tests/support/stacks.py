"""Small stacks: kinds of model with odd sizes, so that no member starts at a round address by itself."""

from collections.abc import Sequence

import torch
from torch import Tensor

from schemas.losses import BinaryCrossEntropy, CrossEntropy, GroupedCrossEntropy, SquaredError
from schemas.models import BagOfEmbeddings, ConvNet, Mlp, RegistryModel, Transformer
from schemas.optimizers import Adam, AdamW, RmsProp, Sgd
from schemas.training import Training
from workers.data.dataset import Dataset, Split
from workers.replicas.stack import Part, Stack, stack

B, N = 7, 60
MODELS = {
    "mlp": (Mlp(hidden=(13,)), CrossEntropy()),
    "mlp-gelu": (Mlp(hidden=(11, 5), activation="gelu"), BinaryCrossEntropy()),
    "mlp-tanh": (Mlp(hidden=(5,), activation="tanh", bias=False), SquaredError(reduction="mean")),
    "mlp-silu": (Mlp(hidden=(9,), activation="silu"), GroupedCrossEntropy(groups=((0, 2), (1,)))),
    "mlp-softplus": (Mlp(hidden=(3, 4, 5), activation="softplus"), CrossEntropy()),
    "mlp-mish": (Mlp(hidden=(7,), activation="mish"), CrossEntropy()),
    "linear": (Mlp(hidden=()), CrossEntropy()),
    "convnet": (ConvNet(channels=(5, 7)), CrossEntropy()),
    "convnet-plain": (ConvNet(channels=(3,), norm="none", activation="gelu"), CrossEntropy()),
    "transformer": (Transformer(width=6, heads=2, depth=1, patch=1), CrossEntropy()),
    "tokens": (Transformer(width=6, heads=3, depth=1), CrossEntropy()),
    "bag": (BagOfEmbeddings(width=5, hidden=(3,)), CrossEntropy()),
    "frozen": (RegistryModel(name="frozen-layer"), CrossEntropy()),
}
RULES = {
    "sgd": Sgd(lr=0.1),
    "decay": Sgd(lr=0.1, weight_decay=0.01),
    "momentum": Sgd(lr=0.05, momentum=0.9, dampening=0.2, weight_decay=0.01),
    "nesterov": Sgd(lr=0.05, momentum=0.8, nesterov=True),
    "adam": Adam(lr=0.01, betas=(0.8, 0.99), weight_decay=0.01),
    "adamw": AdamW(lr=0.01),
    "rmsprop": RmsProp(lr=0.01),
    "rmsprop-all": RmsProp(lr=0.003, momentum=0.5, centered=True, weight_decay=0.01),
}


def dataset(name: str, dtype: torch.dtype, device: str = "cpu") -> Dataset:
    """Sixty random images (1, 5, 5), or texts of six tokens, in three classes."""
    draw = torch.Generator().manual_seed(3)
    labels = torch.arange(N) % 3
    text = name in ("tokens", "bag")
    inputs = torch.randint(0, 9, (N, 6), generator=draw) if text else torch.randn(N, 1, 5, 5, generator=draw)
    split = Split(inputs, labels)
    return Dataset(split, split, ("a", "b", "c"), "none", 9 if text else None).to(torch.device(device), dtype)


def training(name: str, rule: str = "sgd") -> Training:
    model, loss = MODELS[name]
    return Training(model=model, loss=loss, optimizer=RULES[rule], steps=0, data={"kind": "registry", "name": "x"})


def small(name: str, R: int, rule: str = "sgd", dtype: torch.dtype = torch.float64, device: str = "cpu") -> Stack:
    """R equal members of a kind of model."""
    return stack(training(name, rule), dataset(name, dtype, device), dtype, R)


def moved(name: str, who: Sequence[int], rule: str = "sgd", dtype: torch.dtype = torch.float64, device: str = "cpu"):
    """A stack whose members start at points of their own: `who[r]` says which of them member r is."""
    given = small(name, len(who), rule, dtype, device)
    for place, one in enumerate(who):
        draw = torch.Generator().manual_seed(one)
        for tensor in given.parameters.values():
            tensor[place] += 0.05 * torch.randn(tensor[place].shape, generator=draw).to(tensor)
    return given


def batch(step: int, one: int | None = None) -> Tensor:
    """Examples of a step, B of them and sometimes fewer; of one member, or those that all share."""
    draw = torch.Generator().manual_seed(1000 * step + (0 if one is None else one + 1))
    return torch.randperm(N, generator=draw)[: B if step % 5 else B - 2]


def together(R: int, step: int, rule: str) -> list[Part]:
    """Every member on the shared batch, in one part."""
    return [Part(tuple(range(R)), batch(step), RULES[rule])]
