"""Hidden layers of a model, and how alike they are in replicas and baseline.

Axes: R members, n examples, d features of a layer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from workers.data.dataset import Split
from workers.models.mxresnet import Residual
from workers.models.pools import GlobalAveragePool, TokenMean
from workers.models.transformer import Block
from workers.replicas.distances.cka import Representation
from workers.replicas.distances.columns import Floats
from workers.training.evaluate import BATCH

HIDDEN = (
    *(nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh, nn.Sigmoid, nn.Softplus),
    *(Residual, Block, GlobalAveragePool, TokenMean),
)
"""Modules whose outputs are hidden layers: activations, blocks as a whole, means over positions."""
FEATURES = 2**26
"""Numbers of one member that are held at a time, 256 MB in float32, unless a single layer has more."""


def hidden_layers(model: nn.Module) -> tuple[str, ...]:
    """Names of the modules whose outputs are compared, in the model's order; none of them inside another.

    The activations of perceptrons and conv nets, the residual blocks and the stem's activations of an MXResNet, the
    blocks of a transformer, and the mean over positions or tokens of all that have one. Of a model from a registry,
    those modules of these kinds that it is made of.
    """
    found: list[str] = []
    for name, module in model.named_modules():
        if isinstance(module, HIDDEN) and not any(name.startswith(f"{outer}.") for outer in found):
            found.append(name)
    return tuple(found)


def layer_similarities(
    model: nn.Module, members: Sequence[Mapping[str, Tensor]], split: Split
) -> tuple[tuple[str, ...], Floats]:
    """Linear CKA of the hidden layers of every member with those of member 0, over the n examples of a split.

    An example's features are everything a layer says of it, positions (also those of padding) and channels alike. Of
    a module that is called more than once they are its last output. The features of one member at a time are held,
    of as many layers as `FEATURES` allows, beside what is kept of the baseline's: min(n, d) numbers for each example.

    Args:
        model: The structure, in eval mode.
        members: Parameters and buffers of each member, by name.
        split: n examples.

    Returns:
        Names of the layers, and CKA of the members after the first with the first: (R − 1, layers).
    """
    names = hidden_layers(model)
    probe = _features(model, members[0], names, split, 1)
    widths = {name: probe[name].shape[1] for name in names if name in probe}
    found = {}
    for together in _portions(widths, FEATURES // len(split)):
        first = _features(model, members[0], together, split, len(split))
        baseline = {name: Representation.of(first.pop(name)) for name in together}
        for number, member in enumerate(members[1:]):
            features = _features(model, member, together, split, len(split))
            for name in together:
                found[number, name] = baseline[name].cka(Representation.of(features.pop(name)))
    similarities = [[found[number, name] for name in widths] for number in range(len(members) - 1)]
    return tuple(widths), np.array(similarities, dtype=np.float64).reshape(len(members) - 1, len(widths))


def _portions(widths: Mapping[str, int], room: int) -> Iterator[list[str]]:
    """The layers in order, together as long as their widths add up to no more than there is room for."""
    portion: list[str] = []
    for name, width in widths.items():
        if portion and sum(widths[held] for held in portion) + width > room:
            yield portion
            portion = []
        portion.append(name)
    if portion:
        yield portion


def _features(
    model: nn.Module, member: Mapping[str, Tensor], names: Sequence[str], split: Split, examples: int
) -> dict[str, Tensor]:
    """Outputs (examples, d) of the modules of these names that are called, for the first examples of a split."""
    held: dict[str, Tensor] = {}
    with torch.no_grad():
        for start in range(0, examples, BATCH):
            part = slice(start, min(start + BATCH, examples))
            with _watched(model, names) as outputs:
                functional_call(model, dict(member), (split.inputs[part],))
            for name, rows in outputs.items():
                held.setdefault(name, rows.new_empty(examples, rows.shape[1]))[part] = rows
    return held


@contextmanager
def _watched(model: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Outputs by module name, (n, d), filled as the model runs."""
    outputs: dict[str, Tensor] = {}

    def keeper(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
            outputs[name] = output.unsqueeze(-1).flatten(1).clone()  # what comes next may write into it

        return keep

    with ExitStack() as stack:
        for name in names:
            handle = model.get_submodule(name).register_forward_hook(keeper(name))
            stack.callback(handle.remove)
        yield outputs
