"""Brackets of tiny models of every kind on the generic path, against whole Hessians."""

from itertools import combinations
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from schemas.models import Activation, BagOfEmbeddings, Mlp, MxResNet, Transformer, ZooModel
from schemas.residual import Layout
from tests.support.dense import dense
from workers.brackets.functional import Functional
from workers.brackets.paths.generic import Generic
from workers.brackets.paths.path import Wanted
from workers.brackets.products import hessian_products
from workers.losses.functions import binary_cross_entropy_mean, cross_entropy
from workers.models import initialised
from workers.models.mxresnet import residual_network

IMAGE, K = (1, 8, 8), 3
TOKENS = torch.tensor([[4, 2, 2, 0], [3, 0, 5, 0], [0, 0, 0, 0]])
PIXELS = torch.randn(2, *IMAGE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
TARGETS = torch.eye(K, dtype=torch.float64)
TEXT = {"input_shape": (4,), "vocabulary": 6}


def of(spec: ZooModel, **inputs) -> nn.Module:
    return initialised(spec, labels=K, seed=2, dtype=torch.float64, **({"input_shape": IMAGE} | inputs))


def residual(expansion: int) -> nn.Module:
    """A network as MXResNets are, of a few channels, with statistics and gains as a run would leave them."""
    draw = torch.Generator().manual_seed(3)
    layout = Layout(stem=(1, 2, 2), stages=(2, 3), blocks=(1, 1), expansion=expansion)
    model = residual_network(layout, IMAGE[0], K, "mish").double()
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            tensor.data = torch.rand(tensor.shape, generator=draw, dtype=torch.float64) + (tensor.dim() == 1) * 0.5
            tensor.data -= (tensor.dim() > 1) * 0.5
    return model


SMALL = Transformer(width=4, depth=1, heads=2, mlp_ratio=1, patch=4)
CASES = {
    "residual": (lambda: residual(1), PIXELS),
    "residual-bottleneck": (lambda: residual(2), PIXELS),
    "transformer-images": (lambda: of(SMALL), PIXELS),
    "transformer-texts": (lambda: of(SMALL, **TEXT), TOKENS),
    "bag": (lambda: of(BagOfEmbeddings(width=3, hidden=(4,)), **TEXT), TOKENS),
    **{
        f"mlp-{name}": (
            lambda name=name: of(Mlp(hidden=(3,), activation=name), input_shape=(4,)),
            PIXELS[:, 0, 0, :4],
        )
        for name in get_args(Activation)
    },
}


@pytest.mark.parametrize("case", CASES)
def test_brackets_agree_with_whole_hessians(case: str) -> None:
    make, inputs = CASES[case]
    model = make()
    targets = TARGETS[: len(inputs)]
    reference = dense(model, cross_entropy, inputs, targets)
    path = Generic(Functional.of(model, cross_entropy))
    pairs = list(combinations(range(len(inputs)), 2))
    block = path.pairs(path.first_order(inputs, targets), None, Wanted(kept=range(len(pairs))))
    assert any(reference.bracket(a, b).any() for a, b in pairs)
    for (a, b), bracket in zip(pairs, block.brackets, strict=True):
        found = torch.cat([tensor.flatten() for tensor in bracket.values()])
        torch.testing.assert_close(found, reference.bracket(a, b), rtol=1e-9, atol=1e-12)


def test_products_of_a_whole_mxresnet_agree_with_reverse_over_reverse() -> None:
    model = of(MxResNet(zero_last_norm=False), input_shape=(3, 16, 16))
    functional = Functional.of(model, binary_cross_entropy_mean)
    draw = torch.Generator().manual_seed(4)
    example = torch.randn(3, 16, 16, generator=draw, dtype=torch.float64)
    directions = {
        name: torch.randn(1, *parameter.shape, generator=draw, dtype=torch.float64) * parameter.std()
        for name, parameter in functional.parameters.items()
    }
    products = hessian_products(functional, example, TARGETS[0], directions)
    parameters = list(model.parameters())
    loss = binary_cross_entropy_mean(model(example[None])[0], TARGETS[0])
    gradients: tuple[Tensor, ...] = torch.autograd.grad(loss, parameters, create_graph=True)
    slope = sum((g * directions[name][0]).sum() for g, name in zip(gradients, directions, strict=True))
    expected = torch.autograd.grad(slope, parameters)
    for (name, product), reverse in zip(products.items(), expected, strict=True):
        torch.testing.assert_close(product[0], reverse, rtol=1e-8, atol=1e-10 * float(reverse.norm()), msg=name)
