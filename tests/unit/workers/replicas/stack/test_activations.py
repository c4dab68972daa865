import pytest
import torch

from schemas.models import Activation
from workers.models.activations import MODULES, activation
from workers.replicas.stack.activations import ELEMENTWISE


@pytest.mark.parametrize("name", MODULES)
def test_both_passes_are_those_of_the_module(name: Activation) -> None:
    draw = torch.Generator().manual_seed(0)
    z = torch.cat([3 * torch.randn(50, generator=draw).double(), torch.tensor([-60.0, 0.0, 25.0, 60.0])])
    delta = torch.randn(54, generator=draw).double()
    leaf = z.clone().requires_grad_()
    value = activation(name)(leaf)
    [expected] = torch.autograd.grad(value, leaf, delta)
    found = ELEMENTWISE[name]
    into = z if found.overwrites else torch.empty_like(z)
    found.forward(z, into)
    torch.testing.assert_close(into, value.detach(), rtol=1e-14, atol=1e-15)
    found.backward(delta, z, into)
    torch.testing.assert_close(delta, expected, rtol=1e-12, atol=1e-14)


def test_every_activation_is_known() -> None:
    assert ELEMENTWISE.keys() == MODULES.keys()
