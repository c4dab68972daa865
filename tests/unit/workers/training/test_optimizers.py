import pytest
import torch
from torch import nn

from schemas.optimizers import Adam, AdamW, RegistryOptimizer, RmsProp, Sgd
from workers.errors import UserFault
from workers.training.optimizers import optimizer

CASES = [
    (Sgd(lr=0.2, momentum=0.9, dampening=0.5, weight_decay=0.1), torch.optim.SGD),
    (Sgd(lr=0.2, momentum=0.9, nesterov=True), torch.optim.SGD),
    (Adam(lr=0.3, betas=(0.8, 0.999), eps=1e-6, weight_decay=0.1), torch.optim.Adam),
    (AdamW(lr=0.3, betas=(0.8, 0.999), eps=1e-6, weight_decay=0.1), torch.optim.AdamW),
    (RmsProp(lr=0.3, alpha=0.9, eps=1e-6, momentum=0.5, centered=True, weight_decay=0.1), torch.optim.RMSprop),
]


@pytest.mark.parametrize(("spec", "kind"), CASES, ids=lambda value: getattr(value, "kind", ""))
def test_every_field_of_a_spec_reaches_pytorch(spec, kind: type) -> None:
    made = optimizer(spec, [nn.Parameter(torch.zeros(1))])
    assert type(made) is kind
    group = made.param_groups[0]
    for field, value in spec.model_dump(exclude={"kind"}).items():
        assert group[field] == value, field


def test_sgd_follows_the_formula_of_its_spec() -> None:
    parameter = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    made = optimizer(Sgd(lr=0.1, momentum=0.5, weight_decay=0.25), [parameter])
    theta, buffer = 2.0, 0.0
    for _ in range(3):
        parameter.grad = torch.ones(1, dtype=torch.float64)
        made.step()
        buffer = 0.5 * buffer + 1 + 0.25 * theta
        theta -= 0.1 * buffer
    assert float(parameter.detach()) == pytest.approx(theta, rel=1e-14)


def test_a_registry_optimizer_gets_its_options(lab: None) -> None:
    made = optimizer(RegistryOptimizer(name="counting", options={"lr": 0.5}), [nn.Parameter(torch.zeros(1))])
    assert made.param_groups[0]["lr"] == 0.5


def test_a_registry_factory_must_make_an_optimizer(lab: None) -> None:
    with pytest.raises(UserFault, match=r"'not-an-optimizer' must be a torch.optim.Optimizer"):
        optimizer(RegistryOptimizer(name="not-an-optimizer"), [])


def test_an_optimizer_that_needs_a_closure_is_refused(lab: None) -> None:
    with pytest.raises(UserFault, match="'searching' cannot step without a closure"):
        optimizer(RegistryOptimizer(name="searching"), [torch.nn.Parameter(torch.zeros(2))])
