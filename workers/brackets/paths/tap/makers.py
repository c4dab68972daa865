"""Which of PyTorch's functions are layers, by the functions that their modules call."""

from collections.abc import Callable

import torch
from torch import nn

from workers.brackets.paths.tap.convolution import Convolution
from workers.brackets.paths.tap.embedding import EmbeddingLayer
from workers.brackets.paths.tap.layer import Layer
from workers.brackets.paths.tap.linear import LinearLayer
from workers.brackets.paths.tap.scale import Scale
from workers.brackets.paths.tap.vocabulary import Function

MAKERS: dict[Function, Callable[..., Layer]] = {
    nn.functional.linear: LinearLayer,
    torch.conv2d: Convolution,
    nn.functional.batch_norm: Scale.batch_norm,
    nn.functional.layer_norm: Scale.features,
    nn.functional.embedding: EmbeddingLayer,
}
"""Makers take a role for each tensor and then the function's own arguments, but for LayerNorm: see `tape`."""
