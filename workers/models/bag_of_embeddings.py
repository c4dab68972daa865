"""Bags of embeddings: texts without their order."""

from torch import Tensor, nn

from schemas.models import BagOfEmbeddings, Mlp
from schemas.widths import widths
from workers.models.mlp import mlp
from workers.models.pools import PADDING, TokenMean


class Bag(nn.Module):
    """The mean embedding of the tokens that are not padding, into a perceptron: (N, L) tokens → (N, K)."""

    def __init__(self, vocabulary: int, width: int, perceptron: nn.Module) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.pool = TokenMean()
        self.perceptron = perceptron

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits; a text of padding alone has those of the mean 0."""
        logits: Tensor = self.perceptron(self.pool(self.embedding(tokens), tokens != PADDING))
        return logits


def bag_of_embeddings(spec: BagOfEmbeddings, outputs: int, vocabulary: int) -> nn.Module:
    """A bag of tokens below `vocabulary`."""
    hidden = widths(spec, vocabulary, outputs)
    perceptron = mlp(Mlp(hidden=hidden, activation=spec.activation), (spec.width,), outputs)
    return Bag(vocabulary, spec.width, perceptron)
