"""Bags: the mean of what is there, and nothing where there is nothing."""

import torch

from schemas.models import BagOfEmbeddings, Layers
from workers.models import build

TOKENS = torch.tensor([[3, 7, 7, 0], [0, 5, 0, 0]])


def test_the_mean_leaves_padding_out() -> None:
    model = build(BagOfEmbeddings(width=6, hidden=()), (4,), 3, 20).double()
    rows, head = model.embedding.weight, model.perceptron[-1]
    expected = torch.stack([(rows[3] + 2 * rows[7]) / 3, rows[5]]) @ head.weight.T + head.bias
    torch.testing.assert_close(model(TOKENS), expected, rtol=1e-12, atol=1e-13)


def test_a_number_of_parameters_counts_the_embeddings() -> None:
    model = build(BagOfEmbeddings(width=6, hidden=Layers(depth=1, parameters=200)), (4,), 3, 20)
    # 20·6 embeddings, and (6 + 1)w + (w + 1)·3: 193 at w = 7, 203 at w = 8.
    assert [tuple(weight.shape) for weight in model.parameters()] == [(20, 6), (8, 6), (8,), (3, 8), (3,)]


def test_order_and_padding_change_nothing() -> None:
    model = build(BagOfEmbeddings(hidden=(5, 4)), (4,), 3, 20).double()
    logits = model(TOKENS)
    torch.testing.assert_close(model(TOKENS.flip(1)), logits, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(model(torch.nn.functional.pad(TOKENS, (0, 3))), logits, rtol=1e-12, atol=1e-13)


def test_padding_alone_is_the_mean_zero() -> None:
    model = build(BagOfEmbeddings(), (4,), 3, 20)
    logits = model(torch.zeros(1, 4, dtype=torch.int64))
    torch.testing.assert_close(logits, model.perceptron(torch.zeros(1, 64)))
    logits.sum().backward()
    assert not model.embedding.weight.grad.any()
