"""Widths of hidden layers, resolved: as listed, or equal ones that give a model a number of parameters.

Depth at an equal number of parameters is how architectures are compared fairly; parameters are counted over the whole
model, biases, norms, embeddings and output layer included.
"""

from bisect import bisect_right
from functools import partial
from itertools import pairwise
from typing import assert_never, cast

from schemas.models import MAX_WIDTH, BagOfEmbeddings, ConvNet, Layers, Mlp

Layered = Mlp | ConvNet | BagOfEmbeddings


def widths(model: Layered, inputs: int, outputs: int) -> tuple[int, ...]:
    """Widths of the hidden layers of a perceptron, or output channels of the convolutions, from input to output.

    Of two widths that come equally near to the parameters asked for, the smaller.

    Args:
        model: Whose layers.
        inputs: Numbers in an input of an mlp, channels of the images of a convnet, token ids of a bag of embeddings.
        outputs: Number of logits K.

    Raises:
        ValueError: no width comes near the parameters asked for (`out_of_reach`).
    """
    layers = _layers(model)
    if isinstance(layers, tuple):
        return layers
    wanted = layers.parameters
    if wanted is None:
        return layers.depth * (cast("int", layers.width),)  # it has one of the two
    reason = out_of_reach(model, inputs, outputs)
    if reason is not None:
        raise ValueError(reason)
    count = partial(_parameters, model, layers.depth, inputs, outputs)
    largest = bisect_right(range(1, MAX_WIDTH + 1), wanted, key=count)  # of those that do not exceed it
    nearest = min(largest, largest + 1, key=lambda width: abs(count(width) - wanted))
    return layers.depth * (nearest,)


def out_of_reach(model: Layered, inputs: int, outputs: int) -> str | None:
    """Why no width gives about the parameters asked for, in one line; None if one does, or if none are asked for."""
    layers = _layers(model)
    if isinstance(layers, tuple) or layers.parameters is None:
        return None
    least, most = (_parameters(model, layers.depth, inputs, outputs, width) for width in (1, MAX_WIDTH))
    if least <= layers.parameters <= most:
        return None
    low = layers.parameters < least
    bound = f"at least {least:,} parameters, at width 1" if low else f"at most {most:,}, at width {MAX_WIDTH:,}"
    return (
        f"a model of depth {layers.depth} with {inputs:,} inputs and {outputs:,} outputs has {bound}; "
        f"came {layers.parameters:,}: change the depth or the number"
    )


def _layers(model: Layered) -> tuple[int, ...] | Layers:
    return model.channels if isinstance(model, ConvNet) else model.hidden


def _parameters(model: Layered, depth: int, inputs: int, outputs: int, width: int) -> int:
    """P of the model with that many layers of that width: it grows with the width."""
    equal = depth * (width,)
    match model:
        case Mlp():
            return _linear((inputs, *equal, outputs), model.bias)
        case BagOfEmbeddings():
            return inputs * model.width + _linear((model.width, *equal, outputs))
        case ConvNet():
            beside = 2 if model.norm == "batch" else 1  # a norm's weight and bias, or the convolution's own bias
            return sum(b * (9 * a + beside) for a, b in pairwise((inputs, *equal))) + _linear((width, outputs))
        case _:
            assert_never(model)


def _linear(ends: tuple[int, ...], bias: bool = True) -> int:
    return sum((a + bias) * b for a, b in pairwise(ends))
