from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from schemas.models import Activation
from workers.brackets.paths.activations import Jet, chained, jet, supported
from workers.models.activations import activation

MODULES = {
    "identity": nn.Identity(),
    "dropout": nn.Dropout(0.5).eval(),
    "relu": nn.ReLU(),
    "relu-inplace": nn.ReLU(inplace=True),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
    "silu": nn.SiLU(),
    "softplus": nn.Softplus(),
    "softplus-sharp": nn.Softplus(beta=3.0, threshold=5.0),
    "mish": nn.Mish(),
    "gelu": nn.GELU(),
    "gelu-tanh": nn.GELU(approximate="tanh"),
    **{f"spec-{name}": activation(name) for name in get_args(Activation)},
}
POINTS = torch.cat([
    torch.linspace(-6, 6, 241, dtype=torch.float64),
    torch.tensor([0.0, 1e-9, -1e-9, 15.0, -15.0, 40.0, -40.0, 300.0, -300.0], dtype=torch.float64),
])  # fmt: skip


def reference(module: nn.Module, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """φ, φ′ and φ″ by autograd."""
    z = z.clone().requires_grad_()
    value = module(z.clone())
    (first,) = torch.autograd.grad(value.sum(), z, create_graph=True)
    second = torch.zeros_like(z)
    if first.requires_grad:
        second = torch.autograd.grad(first.sum(), z, allow_unused=True, materialize_grads=True)[0]
    return value.detach(), first.detach(), second


def assert_agrees(found: Jet, expected: tuple[Tensor, ...], atol: float) -> None:
    value, first, second = found
    torch.testing.assert_close(value, expected[0], rtol=1e-13, atol=atol)
    torch.testing.assert_close(first, expected[1], rtol=1e-13, atol=atol)
    torch.testing.assert_close(
        torch.zeros_like(value) if second is None else second, expected[2], rtol=1e-12, atol=atol
    )


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_derivatives_agree_with_autograd(module: nn.Module) -> None:
    assert supported(module)
    assert_agrees(jet(module, POINTS), reference(module, POINTS), atol=2e-14)


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_derivatives_are_finite_wherever_z_is(module: nn.Module) -> None:
    far = torch.tensor([-1e4, -90.0, 90.0, 1e4])
    for part in jet(module, far):
        assert part is None or part.isfinite().all()


@pytest.mark.parametrize("second", ["relu", "tanh", "identity"])
@pytest.mark.parametrize("first", ["relu", "gelu", "identity"])
def test_activations_in_a_row_follow_the_chain_rule(first: str, second: str) -> None:
    z = POINTS[:241:7]
    both = nn.Sequential(MODULES[first], MODULES[second])
    assert_agrees(chained(jet(MODULES[first], z), MODULES[second]), reference(both, z), atol=1e-14)


def test_what_is_not_an_activation_as_we_know_it_is_not_supported() -> None:
    class Odd(nn.ReLU):
        pass

    for module in (Odd(), nn.Softmax(), nn.PReLU(), nn.Dropout(0.5)):
        assert not supported(module)
    with pytest.raises(KeyError, match="Odd"):
        jet(Odd(), POINTS)
