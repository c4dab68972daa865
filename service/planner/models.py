"""Sizes of the models that come with Holonomy, walked through as `workers.models` builds them."""

from itertools import pairwise
from math import prod

from schemas.models import BagOfEmbeddings, ConvNet, Mlp, MxResNet, Transformer
from schemas.residual import LAYOUTS, Layout
from schemas.widths import widths
from service.planner.layers import NOTHING, ModelSize, convolution, embedding, linear, norm, product

Shape = tuple[int, ...]
Extent = tuple[int, int]
"""Height and width of a map."""


def mlp(model: Mlp, shape: Shape, outputs: int) -> ModelSize:
    """On flattened inputs."""
    inputs = prod(shape)
    ends = (inputs, *widths(model, inputs, outputs), outputs)
    return sum((linear(a, b, bias=model.bias) for a, b in pairwise(ends)), start=NOTHING)


def convnet(model: ConvNet, shape: Shape, outputs: int) -> ModelSize:
    """On images (channels, height, width)."""
    incoming, *rest = shape
    extent, size = (rest[0], rest[1]), NOTHING
    for layer, channels in enumerate(widths(model, incoming, outputs)):
        if model.norm == "batch":
            added, extent = _normed(incoming, channels, 3, extent, 2 if layer else 1)
        else:
            before, extent = extent, _strided(extent, 2 if layer else 1)
            added = convolution(incoming, channels, 3, prod(before), prod(extent), bias=True)
        size, incoming = size + added, channels
    return size + linear(incoming, outputs)


def mxresnet(model: MxResNet, shape: Shape, outputs: int) -> ModelSize:
    """On images (channels, height, width)."""
    layout = LAYOUTS[model.depth]
    incoming, *rest = shape
    extent, size = (rest[0], rest[1]), NOTHING
    for layer, channels in enumerate(layout.stem):
        added, extent = _normed(incoming, channels, 3, extent, 1 if layer else 2)
        size, incoming = size + added, channels
    extent = _strided(extent, 2)  # the max-pool
    for stage, (channels, count) in enumerate(zip(layout.stages, layout.blocks, strict=True)):
        for block in range(count):
            added, extent = _residual(layout, incoming, channels, extent, 2 if stage and not block else 1)
            size, incoming = size + added, channels * layout.expansion
    return size + linear(incoming, outputs)


def transformer(model: Transformer, shape: Shape, outputs: int, vocabulary: int | None) -> ModelSize:
    """On texts (length,) with a vocabulary, or on images (channels, height, width) without."""
    if vocabulary is not None:
        positions = shape[0]
        embedded = embedding(vocabulary, model.width, positions)
    else:
        pixels = model.patch**2
        positions = shape[1] * shape[2] // pixels
        embedded = linear(shape[0] * pixels, model.width, positions)
    hidden = model.mlp_ratio * model.width
    # The scores and the mixed values of all heads together.
    products = product(positions, model.width, positions) + product(positions, positions, model.width)
    block = [
        norm(model.width, positions),
        *4 * [linear(model.width, model.width, positions)],
        products,
        norm(model.width, positions),
        linear(model.width, hidden, positions),
        linear(hidden, model.width, positions),
    ]
    ends = [embedding(positions, model.width, positions), norm(model.width, positions), linear(model.width, outputs)]
    return sum(model.depth * block + ends, start=embedded)


def bag_of_embeddings(model: BagOfEmbeddings, shape: Shape, outputs: int, vocabulary: int) -> ModelSize:
    """On texts (length,)."""
    perceptron = mlp(Mlp(hidden=widths(model, vocabulary, outputs)), (model.width,), outputs)
    return embedding(vocabulary, model.width, shape[0]) + perceptron


def _residual(layout: Layout, incoming: int, channels: int, extent: Extent, stride: int) -> tuple[ModelSize, Extent]:
    """A branch with its shortcut, and the extent of its sum."""
    out = channels * layout.expansion
    if layout.expansion == 1:
        convolutions = [(channels, 3, stride), (out, 3, 1)]
    else:
        convolutions = [(channels, 1, 1), (channels, 3, stride), (out, 1, 1)]
    size, width, before = NOTHING, incoming, extent
    for channels_out, kernel, step in convolutions:
        added, extent = _normed(width, channels_out, kernel, extent, step)
        size, width = size + added, channels_out
    if incoming != out:
        size += _normed(incoming, out, 1, _strided(before, stride), 1)[0]
    return size, extent


def _normed(incoming: int, channels: int, kernel: int, extent: Extent, stride: int) -> tuple[ModelSize, Extent]:
    """A convolution without bias and its BatchNorm, and the extent of what they give."""
    after = _strided(extent, stride)
    pixels = prod(after)
    return convolution(incoming, channels, kernel, prod(extent), pixels) + norm(channels, pixels), after


def _strided(extent: Extent, stride: int) -> Extent:
    """Convolutions padded by half their kernel, and pools that round up: ⌈extent / stride⌉."""
    return -(-extent[0] // stride), -(-extent[1] // stride)
