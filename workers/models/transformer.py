"""Small pre-norm transformers on images or text.

Axes: N examples, L positions, H heads, d features of a head; width = H · d.

Made of linear layers, LayerNorms and embeddings, each called once per pass, and of operations without parameters:
attention is written out, since fused kernels have neither second nor forward derivatives.
"""

from math import sqrt

import torch
from torch import Tensor, nn

from schemas.models import Transformer
from workers.models.activations import activation
from workers.models.pools import PADDING, TokenMean


class Attention(nn.Module):
    """Softmax attention, softmax(q kᵀ / √d) v in each head: (N, L, width) → (N, L, width)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.heads = heads

    def forward(self, features: Tensor, present: Tensor | None) -> Tensor:
        """Attend to the positions where `present` (N, L) is true; to all without it."""
        query, key, value = (self._split(layer(features)) for layer in (self.query, self.key, self.value))
        scores = query / sqrt(query.shape[-1]) @ key.mT
        if present is not None:
            # The lowest number, not −∞: in a text of padding alone the weights are uniform and not 0/0.
            scores = scores.masked_fill(~present[:, None, None, :], torch.finfo(scores.dtype).min)
        mixed: Tensor = self.out((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))
        return mixed

    def _split(self, features: Tensor) -> Tensor:
        """(N, L, width) → (N, H, L, d)."""
        count, positions, width = features.shape
        return features.reshape(count, positions, self.heads, width // self.heads).transpose(1, 2)


class Block(nn.Module):
    """x + attention(norm(x)), and then x + perceptron(norm(x))."""

    def __init__(self, spec: Transformer) -> None:
        super().__init__()
        hidden = spec.mlp_ratio * spec.width
        self.norm_attention = nn.LayerNorm(spec.width)
        self.attention = Attention(spec.width, spec.heads)
        self.norm_perceptron = nn.LayerNorm(spec.width)
        self.perceptron = nn.Sequential(
            nn.Linear(spec.width, hidden), activation(spec.activation), nn.Linear(hidden, spec.width)
        )

    def forward(self, features: Tensor, present: Tensor | None) -> Tensor:
        """(N, L, width), (N, L) → (N, L, width)."""
        features = features + self.attention(self.norm_attention(features), present)
        moved: Tensor = features + self.perceptron(self.norm_perceptron(features))
        return moved


class Patches(nn.Module):
    """Images (N, c, h, w) as square patches from left to right and top to bottom: (N, L, c · edge²)."""

    def __init__(self, edge: int) -> None:
        super().__init__()
        self.edge = edge

    def forward(self, images: Tensor) -> Tensor:
        """Cut; channels come first within a patch."""
        count, channels, height, width = images.shape
        rows, columns = height // self.edge, width // self.edge
        tiled = images.reshape(count, channels, rows, self.edge, columns, self.edge)
        return tiled.permute(0, 2, 4, 1, 3, 5).reshape(count, rows * columns, -1)


class Encoder(nn.Module):
    """Embedded positions and content, blocks, a last norm, the mean over positions, a linear head.

    Args:
        spec: Its sizes.
        embedding: From inputs to features (N, L, width).
        positions: L.
        outputs: K.
        text: Whether the inputs are tokens, of which some are padding.
    """

    def __init__(self, spec: Transformer, embedding: nn.Module, positions: int, outputs: int, text: bool) -> None:
        super().__init__()
        self.embedding = embedding
        self.positions = nn.Embedding(positions, spec.width)
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.depth))
        self.norm = nn.LayerNorm(spec.width)
        self.pool = TokenMean()
        self.head = nn.Linear(spec.width, outputs)
        self.text = text

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, *input_shape) → (N, K)."""
        features = self.embedding(inputs)
        # Numbered for each example, so that the layer's output has the examples' axis as every other one has.
        places = torch.arange(features.shape[1], device=inputs.device).expand(features.shape[:2])
        present = inputs != PADDING if self.text else None
        features = features + self.positions(places)
        for block in self.blocks:
            features = block(features, present)
        logits: Tensor = self.head(self.pool(self.norm(features), present))
        return logits


def transformer(spec: Transformer, input_shape: tuple[int, ...], outputs: int, vocabulary: int | None) -> nn.Module:
    """A transformer on images (c, h, w), or on texts (L,) of tokens below `vocabulary`."""
    if vocabulary is not None:
        return Encoder(spec, nn.Embedding(vocabulary, spec.width), input_shape[0], outputs, text=True)
    channels, height, width = input_shape
    embedding = nn.Sequential(Patches(spec.patch), nn.Linear(channels * spec.patch**2, spec.width))
    return Encoder(spec, embedding, height * width // spec.patch**2, outputs, text=False)
