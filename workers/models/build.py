"""From a model spec to a module, and to its initial parameters."""

from typing import assert_never

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from schemas.models import ConvNet, Mlp, RegistryModel
from workers import plugins
from workers.errors import UserFault
from workers.models.convnet import convnet
from workers.models.mlp import mlp
from workers.streams import Stream, torch_seed

MODELS_GROUP = "holonomy.models"


def build(spec: Mlp | ConvNet | RegistryModel, input_shape: tuple[int, ...], labels: int) -> nn.Module:
    """A new module for inputs of that shape, initialised from PyTorch's global generator.

    A registry factory is called as `factory(input_shape, labels, **options)`.

    Args:
        spec: What to build.
        input_shape: Shape of one input.
        labels: Number of labels in the data; K unless the spec says otherwise.

    Raises:
        UserFault: the spec does not fit the inputs, or names a model that is not installed.
    """
    match spec:
        case Mlp():
            return mlp(spec, input_shape, spec.outputs or labels)
        case ConvNet():
            return convnet(spec, input_shape, spec.outputs or labels)
        case RegistryModel():
            made = plugins.call(MODELS_GROUP, spec.name, input_shape, labels, **spec.options)
            if not isinstance(made, nn.Module):
                raise UserFault(f"the model {spec.name!r} must be a torch.nn.Module, its factory made {type(made)}")
            if any(is_lazy(tensor) for tensor in (*made.parameters(), *made.buffers())):
                # They would be drawn at the first pass, from whatever state the global generator is in by then.
                raise UserFault(
                    f"the model {spec.name!r} has lazy modules, whose parameters no seed decides: "
                    "take the sizes from `input_shape` instead"
                )
            return made
        case _:
            assert_never(spec)


def initialised(
    spec: Mlp | ConvNet | RegistryModel, input_shape: tuple[int, ...], labels: int, seed: int, dtype: torch.dtype
) -> nn.Module:
    """A module whose initial parameters depend on `seed` alone, on the CPU; the global generator is left as it was.

    The parameters are drawn in float32 and then cast, so that runs in float32 and float64 start at the same point.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(torch_seed(seed, Stream.INITIALISATION))
        return build(spec, input_shape, labels).to(dtype)
