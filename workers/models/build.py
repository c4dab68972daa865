"""From a model spec to a module, and to its initial parameters."""

from typing import assert_never, cast

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from schemas.misfit import misfit
from schemas.models import BagOfEmbeddings, ConvNet, Mlp, Model, MxResNet, RegistryModel, Transformer, ZooModel
from workers import plugins
from workers.errors import UserFault
from workers.models.bag_of_embeddings import bag_of_embeddings
from workers.models.convnet import convnet
from workers.models.initialise import initialise, zero_last_norms
from workers.models.mlp import mlp
from workers.models.mxresnet import mxresnet
from workers.models.transformer import transformer
from workers.streams import Stream, torch_seed

MODELS_GROUP = "holonomy.models"


def build(spec: Model, input_shape: tuple[int, ...], labels: int, vocabulary: int | None = None) -> nn.Module:
    """A new module for inputs of that shape, initialised from PyTorch's global generator.

    A registry factory is called as `factory(input_shape, labels, **options)`.

    Args:
        spec: What to build.
        input_shape: Shape of one input: (channels, height, width) of an image, (length,) of a text, or any other.
        labels: Number of labels in the data; K unless the spec says otherwise.
        vocabulary: Number of token ids of a text dataset, padding included; None where inputs are not text.

    Raises:
        UserFault: the spec does not fit the data, or names a model that is not installed.
    """
    reason = misfit(spec, input_shape, vocabulary, labels)
    if reason is not None:
        raise UserFault(reason)
    if isinstance(spec, RegistryModel):
        return _installed(spec, input_shape, labels)
    model = _new(spec, input_shape, spec.outputs or labels, vocabulary)
    initialise(model, spec.initialisation)
    if isinstance(spec, MxResNet) and spec.zero_last_norm:
        zero_last_norms(model)
    return model


def _new(spec: ZooModel, input_shape: tuple[int, ...], outputs: int, vocabulary: int | None) -> nn.Module:
    match spec:
        case Mlp():
            return mlp(spec, input_shape, outputs)
        case ConvNet():
            return convnet(spec, input_shape, outputs)
        case MxResNet():
            return mxresnet(spec, input_shape, outputs)
        case Transformer():
            return transformer(spec, input_shape, outputs, vocabulary)
        case BagOfEmbeddings():
            return bag_of_embeddings(spec, outputs, cast("int", vocabulary))  # without one it was a misfit
        case _:
            assert_never(spec)


def _installed(spec: RegistryModel, input_shape: tuple[int, ...], labels: int) -> nn.Module:
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


def initialised(
    spec: Model,
    input_shape: tuple[int, ...],
    labels: int,
    seed: int,
    dtype: torch.dtype,
    vocabulary: int | None = None,
) -> nn.Module:
    """A module whose initial parameters depend on `seed` alone, on the CPU; the global generator is left as it was.

    The parameters are drawn in float32 and then cast, so that runs in float32 and float64 start at the same point.

    Raises:
        UserFault: as for `build`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(torch_seed(seed, Stream.INITIALISATION))
        return build(spec, input_shape, labels, vocabulary).to(dtype)
