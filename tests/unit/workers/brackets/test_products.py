import pytest
import torch

from tests.support.dense import flatten, logits, unflatten
from workers.brackets import products as module
from workers.brackets.products import hessian_products, logit_perturbations

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


def test_perturbations_are_finite_differences_of_logits(problem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEST_CHUNK", 4)  # six test examples in two parts
    flat, named = directions(problem)
    found = logit_perturbations(problem.functional, problem.inputs, named)
    theta, h = flatten(problem.model), 1e-6
    for moved, direction in zip(found, flat, strict=True):
        ahead, behind = (logits(problem.model, theta + sign * h * direction, problem.inputs) for sign in (1, -1))
        torch.testing.assert_close(moved, (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-7)
