"""Which of PyTorch's functions are layers, by the functions that their modules call."""

from collections.abc import Callable

import torch
from torch import nn

from workers.brackets.tap.convolution import Convolution
from workers.brackets.tap.embedding import EmbeddingLayer
from workers.brackets.tap.layer import Layer
from workers.brackets.tap.linear import LinearLayer
from workers.brackets.tap.scale import Scale
from workers.brackets.tap.vocabulary import Function

MAKERS: dict[Function, Callable[..., Layer]] = {
    nn.functional.linear: LinearLayer,
    torch.conv2d: Convolution,
    nn.functional.batch_norm: Scale.batch_norm,
    nn.functional.layer_norm: Scale.features,
    nn.functional.embedding: EmbeddingLayer,
}
"""Makers take a role for each tensor and then the function's own arguments, but for LayerNorm: see `tape`."""
