"""Which modules are multilayer perceptrons, and such a module's layers."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from workers.brackets.functional import Functional
from workers.brackets.paths import activations
from workers.brackets.paths.activations import Jet


@dataclass(frozen=True)
class Layer:
    """z = W a + b, then a = φ(z) unless it is the last.

    Attributes:
        weight: W, (d_l, d_(l−1)).
        transposed: Wᵀ, copied: products with rows in memory order are 6 % faster.
        bias: b, (d_l,), or None.
        weight_name: Name of W among θ; None if it is held fixed.
        bias_name: Name of b among θ; None if it is held fixed or absent.
        activations: Modules applied one after the other to z.
    """

    weight: Tensor
    transposed: Tensor
    bias: Tensor | None
    weight_name: str | None
    bias_name: str | None
    activations: tuple[nn.Module, ...]

    def overlap(self, gram: Tensor) -> Tensor:
        """∂z·∂z over this layer's part of θ, for inputs with inner products `gram`: a·a′ from W, 1 from b."""
        return gram * (self.weight_name is not None) + (self.bias_name is not None)

    def jet(self, z: Tensor) -> Jet:
        """φ, φ′ and φ″ at z."""
        jet = activations.jet(nn.Identity(), z)
        for module in self.activations:
            jet = activations.chained(jet, module)
        return jet


@dataclass(frozen=True)
class Network:
    """A multilayer perceptron at a checkpoint.

    Attributes:
        prefix: Modules before the first layer: Flatten and activations.
        layers: Layers 1 … L.
        names: Names of the n tensors of θ, in the model's order.
    """

    prefix: tuple[nn.Module, ...]
    layers: tuple[Layer, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, functional: Functional) -> "Network":
        """The layers of a functional whose model `unsupported` has nothing against."""
        tensors = functional.buffers | functional.parameters
        prefix: list[nn.Module] = []
        groups: list[tuple[str, list[nn.Module]]] = []
        for name, module in _leaves(functional.model):
            if isinstance(module, nn.Linear):
                groups.append((f"{name}." if name else "", []))
            else:
                (groups[-1][1] if groups else prefix).append(module)
        return cls(
            prefix=tuple(prefix),
            layers=tuple(
                Layer(
                    weight=tensors[f"{path}weight"],
                    transposed=tensors[f"{path}weight"].T.contiguous(),
                    bias=tensors.get(f"{path}bias"),
                    weight_name=f"{path}weight" if f"{path}weight" in functional.parameters else None,
                    bias_name=f"{path}bias" if f"{path}bias" in functional.parameters else None,
                    activations=tuple(modules),
                )
                for path, modules in groups
            ),
            names=tuple(functional.parameters),
        )

    def forward(self, inputs: Tensor) -> tuple[tuple[Tensor, ...], tuple[Jet, ...], Tensor]:
        """a_0 … a_(L−1) of inputs (m, *input_shape), the jets of φ_1 … φ_(L−1), and the logits z_L."""
        a = inputs
        for module in self.prefix:
            a = a.flatten(1) if isinstance(module, nn.Flatten) else activations.jet(module, a).value
        inner: list[Tensor] = [a]
        jets: list[Jet] = []
        for layer in self.layers[:-1]:
            jets.append(layer.jet(linear(inner[-1], layer.weight, layer.bias)))
            inner.append(jets[-1].value)
        last = self.layers[-1]
        return tuple(inner), tuple(jets), linear(inner[-1], last.weight, last.bias)

    @property
    def dtype(self) -> torch.dtype:
        """Of weights and tangents."""
        return self.layers[0].weight.dtype


def unsupported(model: nn.Module) -> list[str]:
    """Why a model in eval mode is not a multilayer perceptron as this path knows it; nothing if it is.

    A multilayer perceptron is `nn.Sequential`, nested or not, of Linear layers with elementwise activations between
    them; Flatten may come before the first.

    Returns:
        Reasons that begin with the module's name.
    """
    leaves = list(_leaves(model))
    linear = [place for place, (_, module) in enumerate(leaves) if type(module) is nn.Linear]
    reasons = [
        f"{name or 'the model'}: {reason}"
        for place, (name, module) in enumerate(leaves)
        if (reason := _objection(module, first=not linear or place < linear[0])) is not None
    ]
    if not reasons and (not linear or linear[-1] != len(leaves) - 1):
        reasons.append(f"{leaves[-1][0] if leaves else 'the model'}: the last module is not Linear")
    hooked = [name for name, module in model.named_modules() if module._forward_hooks or module._forward_pre_hooks]
    reasons += [f"{name or 'the model'}: has forward hooks" for name in hooked]
    owned = [parameter for place in linear for parameter in leaves[place][1].parameters()]
    if len({id(parameter) for parameter in owned}) < len(owned):
        reasons.append("the model: Linear modules share parameters")
    known = {id(parameter) for parameter in owned}
    strays = [name for name, parameter in model.named_parameters() if id(parameter) not in known]
    return reasons or [f"{name}: a parameter outside of Linear modules" for name in strays]


def _objection(module: nn.Module, first: bool) -> str | None:
    """What is wrong with one module; `first` says that no Linear comes before it."""
    kind = type(module)
    if kind is nn.Linear or activations.supported(module):
        return None
    if kind is not nn.Flatten:
        return f"{kind.__name__} is neither Linear nor a known activation"
    whole = module.start_dim == 1 and module.end_dim == -1
    return None if first and whole else "Flatten after a Linear layer, or of some axes only"


def _leaves(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Modules in the order in which they are applied, through any nesting."""
    if type(module) is not nn.Sequential:
        yield name, module
        return
    for key, child in module._modules.items():
        if child is not None:
            yield from _leaves(child, f"{name}.{key}" if name else key)
