"""Transformers: against PyTorch's own layer, the order of patches, and padding that leaves no trace."""

import pytest
import torch
from torch import nn

from schemas.models import Transformer
from workers.models import build
from workers.models.transformer import Block, Patches

SPEC = Transformer(width=8, depth=2, heads=2, mlp_ratio=2)
L, VOCABULARY = 9, 20
TOKENS = torch.tensor([[3, 7, 7, 19, 1, 0, 0, 0, 0], [5, 0, 2, 0, 0, 0, 0, 0, 0]])


def encoder() -> nn.Module:
    return build(SPEC, (L,), 3, VOCABULARY).double()


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_a_block_is_that_of_pytorch(activation: str) -> None:
    block = Block(SPEC.model_copy(update={"activation": activation})).double()
    theirs = nn.TransformerEncoderLayer(
        8, 2, 16, 0.0, activation, batch_first=True, norm_first=True, dtype=torch.float64
    )
    attention = block.attention
    inputs = [attention.query, attention.key, attention.value]
    theirs.self_attn.in_proj_weight.data = torch.cat([layer.weight for layer in inputs])
    theirs.self_attn.in_proj_bias.data = torch.cat([layer.bias for layer in inputs])
    for layer, own in (
        (theirs.self_attn.out_proj, attention.out),
        (theirs.linear1, block.perceptron[0]),
        (theirs.linear2, block.perceptron[2]),
        (theirs.norm1, block.norm_attention),
        (theirs.norm2, block.norm_perceptron),
    ):
        layer.load_state_dict(own.state_dict())
    features = torch.randn(2, L, 8, dtype=torch.float64)
    present = TOKENS != 0
    expected = theirs(features, src_key_padding_mask=~present)
    torch.testing.assert_close(block(features, present)[present], expected[present], rtol=1e-10, atol=1e-12)


def test_patches_go_from_left_to_right_and_top_to_bottom() -> None:
    image = torch.arange(2 * 4 * 6.0).reshape(1, 2, 4, 6)
    patches = Patches(2)(image)
    assert patches.shape == (1, 6, 8)
    for place, (row, column) in enumerate((r, c) for r in (0, 2) for c in (0, 2, 4)):
        assert torch.equal(patches[0, place], image[0, :, row : row + 2, column : column + 2].flatten())


def test_images_become_logits() -> None:
    model = build(Transformer(patch=2), (3, 4, 6), 5)
    assert model(torch.randn(2, 3, 4, 6)).shape == (2, 5)
    assert model.positions.weight.shape == (6, 64)


def test_more_padding_changes_nothing() -> None:
    model = encoder()
    torch.testing.assert_close(model(TOKENS), model(TOKENS[:, :5]), rtol=1e-12, atol=1e-13)


def test_what_stands_for_padding_changes_nothing() -> None:
    model = encoder()
    before = model(TOKENS)
    with torch.no_grad():
        model.embedding.weight[0] += 10
        model.positions.weight[5:] += 10
    torch.testing.assert_close(model(TOKENS), before, rtol=1e-12, atol=1e-13)


def test_the_order_of_tokens_matters() -> None:
    model = encoder()
    assert not torch.allclose(model(TOKENS), model(TOKENS.flip(1)))


def test_padding_alone_gives_the_bias_of_the_head() -> None:
    model = encoder()
    logits = model(torch.zeros(2, L, dtype=torch.int64))
    assert torch.equal(logits, model.head.bias.expand(2, 3))
    logits.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
