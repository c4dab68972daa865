"""Whether a model can take a dataset, from the shape of its inputs and the number of its labels alone.

Images are (channels, height, width) or any other shape of numbers; texts are (length,) of token ids, and have a
vocabulary.
"""

from math import prod
from typing import assert_never

from schemas.models import BagOfEmbeddings, ConvNet, Mlp, Model, MxResNet, RegistryModel, Transformer, ZooModel
from schemas.widths import out_of_reach


def misfit(model: Model, shape: tuple[int, ...], vocabulary: int | None, labels: int) -> str | None:
    """Why the model cannot take such data, in one line with what to do; None if it can.

    Args:
        model: What is to be built.
        shape: Shape of one input.
        vocabulary: Number of token ids of a text dataset, padding included; None where inputs are not text.
        labels: Number of labels in the data; K unless the model says otherwise.
    """
    text = vocabulary is not None
    match model:
        case RegistryModel():
            return None
        case Mlp() | ConvNet() | MxResNet() if text:
            return (
                f"{_named(model)} takes numbers, and the data is text, as {shape[0]} token ids: "
                "use a bag_of_embeddings or a transformer"
            )
        case Mlp():
            return out_of_reach(model, prod(shape), model.outputs or labels)
        case ConvNet() | MxResNet() if len(shape) != 3:
            return _needs_images(model, shape)
        case ConvNet():
            return out_of_reach(model, shape[0], model.outputs or labels)
        case MxResNet():
            return None
        case BagOfEmbeddings():
            if vocabulary is None:
                return f"{_named(model)} takes text, the data has inputs of shape {shape}: use an mlp"
            return out_of_reach(model, vocabulary, model.outputs or labels)
        case Transformer():
            return None if text else _patches(model, shape)
        case _:
            assert_never(model)


def _patches(model: Transformer, shape: tuple[int, ...]) -> str | None:
    if len(shape) != 3:
        return _needs_images(model, shape)
    _, height, width = shape
    if height % model.patch or width % model.patch:
        return (
            f"the transformer's patch of {model.patch} pixels must divide height and width, "
            f"the images have {height} × {width}: choose a divisor of both"
        )
    return None


def _needs_images(model: ConvNet | MxResNet | Transformer, shape: tuple[int, ...]) -> str:
    return (
        f"{_named(model)} needs inputs of shape (channels, height, width), the data has {shape}: "
        "use an mlp or data of images"
    )


def _named(model: ZooModel) -> str:
    return f"{'an' if isinstance(model, Mlp | MxResNet) else 'a'} {model.kind}"
