import pytest
import torch
from torch import nn

from tests.support.dense import dense, flatten, logits, unflatten
from tests.support.modules import with_statistics
from workers.brackets import products as module
from workers.brackets.functional import Functional
from workers.brackets.products import gradients_and_products, hessian_products, logit_perturbations
from workers.losses.functions import squared_error_sum

D = 4


def directions(problem) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """D random directions, flat and by parameter."""
    flat = torch.randn(
        D, problem.reference.gradients.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    each = [unflatten(problem.model, row) for row in flat]
    return flat, {name: torch.stack([one[name] for one in each]) for name in each[0]}


def test_products_are_those_of_the_whole_hessian(problem) -> None:
    flat, named = directions(problem)
    found = hessian_products(problem.functional, problem.inputs[2], problem.targets[2], named)
    together = torch.cat([tensor.reshape(D, -1) for tensor in found.values()], 1)
    torch.testing.assert_close(together, flat @ problem.reference.hessians[2], rtol=1e-9, atol=1e-12)


NORMS = {
    "layer": lambda: nn.LayerNorm(6),
    "layer, without bias": lambda: nn.LayerNorm(6, bias=False),
    "batch": lambda: nn.BatchNorm1d(6),
    "group": lambda: nn.GroupNorm(2, 6),
    "none": nn.Identity,
}


@pytest.mark.parametrize("norm", NORMS)
def test_gradients_and_products_of_many_examples_are_those_of_each(norm: str) -> None:
    draw = torch.Generator().manual_seed(0)
    inputs, targets = (torch.randn(3, K, generator=draw).double() for K in (4, 2))
    model = with_statistics(nn.Sequential(nn.Linear(4, 6), NORMS[norm](), nn.Tanh(), nn.Linear(6, 2)))
    functional = Functional.of(model, squared_error_sum)
    named = {
        name: torch.randn(D, *parameter.shape, generator=draw).double()
        for name, parameter in functional.parameters.items()
    }
    gradients, products = gradients_and_products(functional, inputs, targets, named, list(named))
    reference = dense(model, squared_error_sum, inputs, targets)
    found = torch.cat([gradient.flatten(1) for gradient in gradients.values()], 1)
    torch.testing.assert_close(found, reference.gradients, rtol=1e-9, atol=1e-12)
    found = torch.cat([product.flatten(2) for product in products.values()], 2)
    flat = torch.cat([direction.flatten(1) for direction in named.values()], 1)
    expected = torch.einsum("npq,dq->dnp", reference.hessians, flat)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_perturbations_are_finite_differences_of_logits(problem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEST_CHUNK", 4)  # six test examples in two parts
    flat, named = directions(problem)
    found = logit_perturbations(problem.functional, problem.inputs, named)
    theta, h = flatten(problem.model), 1e-6
    for moved, direction in zip(found, flat, strict=True):
        ahead, behind = (logits(problem.model, theta + sign * h * direction, problem.inputs) for sign in (1, -1))
        torch.testing.assert_close(moved, (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-7)
