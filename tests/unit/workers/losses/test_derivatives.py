"""Losses inside a network: gradients, Hessian and Gauss–Newton products of the bracket engine against dense ones."""

import pytest
import torch
from torch import Tensor
from torch.func import hessian

from schemas.losses import GroupedCrossEntropy, Loss, RegistryLoss
from schemas.models import ConvNet
from tests.support.dense import dense, flatten, logits, unflatten
from workers.brackets.functional import Functional
from workers.brackets.gradients import gradients_of
from workers.brackets.products import gauss_newton_products, hessian_products
from workers.determinism import deterministic
from workers.losses import example_loss
from workers.models import initialised

NAMES = ("a", "b", "c", "d", "e")
N, D = 3, 2
DRAW = torch.Generator().manual_seed(0)
INPUTS = torch.randn(N, 3, 4, 4, generator=DRAW, dtype=torch.float64)
TARGETS = torch.tensor([[1, 0, 0, 1, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 1]], dtype=torch.float64)
LOSSES = [
    GroupedCrossEntropy(groups=(("a", "c"), ("d",))),
    GroupedCrossEntropy(groups=((0, 2), (3, 4)), reduction="sum"),
    RegistryLoss(name="power", options={"exponent": 4}),
]


@pytest.mark.parametrize("spec", LOSSES, ids=["grouped-mean", "grouped-sum", "registry"])
def test_products_are_those_of_the_dense_reference(lab: None, spec: Loss) -> None:
    model = initialised(ConvNet(channels=(2, 3)), (3, 4, 4), len(NAMES), 3, torch.float64)
    loss = example_loss(spec, NAMES)
    reference = dense(model, loss, INPUTS, TARGETS)
    functional = Functional.of(model, loss)
    flat = torch.randn(D, reference.gradients.shape[1], generator=DRAW, dtype=torch.float64)
    each = [unflatten(model, row) for row in flat]
    directions = {name: torch.stack([one[name] for one in each]) for name in each[0]}
    with deterministic():
        first = gradients_of(functional, INPUTS, TARGETS)
        products = hessian_products(functional, INPUTS[1], TARGETS[1], directions)
        shares = gauss_newton_products(functional, INPUTS[1], TARGETS[1], directions)
    torch.testing.assert_close(_joined(first.gradients, N), reference.gradients)
    torch.testing.assert_close(_joined(products, D), flat @ reference.hessians[1])
    theta = flatten(model)
    J = torch.autograd.functional.jacobian(lambda at: logits(model, at, INPUTS[1:2])[0], theta)
    curvature = hessian(lambda z: loss(z, TARGETS[1]))(logits(model, theta, INPUTS[1:2])[0])
    torch.testing.assert_close(_joined(shares, D), flat @ J.T @ curvature @ J)


def _joined(named: dict[str, Tensor], rows: int) -> Tensor:
    return torch.cat([tensor.reshape(rows, -1) for tensor in named.values()], 1)
