import pytest
import torch
from torch import nn

from schemas.optimizers import RegistryOptimizer
from schemas.rates import ConstantRate, LinearDecay, StepDecay
from schemas.training import Training
from workers.errors import UserFault
from workers.training.optimizers import optimizer
from workers.training.rates import Rates


def parameter() -> nn.Parameter:
    return nn.Parameter(torch.ones(1, dtype=torch.float64))


def test_every_group_has_its_own_base() -> None:
    groups = [{"params": [parameter()]}, {"params": [parameter()], "lr": 0.5}]
    made = torch.optim.SGD(groups, lr=2.0)
    rates = Rates.of(Training(steps=4, rate=LinearDecay()), made)
    for step, expected in [(1, [2.0, 0.5]), (3, [1.0, 0.25]), (2, [1.5, 0.375]), (4, [0.5, 0.125])]:
        rates.set(made, step)
        assert [group["lr"] for group in made.param_groups] == expected


def test_a_rate_that_is_a_tensor_stays_the_same_tensor() -> None:
    held = torch.tensor(0.5)
    made = torch.optim.SGD([parameter()], lr=held)
    Rates.of(Training(steps=4, rate=StepDecay(every=1, factor=0.5)), made).set(made, 3)
    assert made.param_groups[0]["lr"] is held
    assert float(held) == 0.125


def test_the_schedule_reaches_the_parameters() -> None:
    theta = parameter()
    made = torch.optim.SGD([theta], lr=1.0)
    rates = Rates.of(Training(steps=4, rate=StepDecay(milestones=(1,), factor=0.25)), made)
    for step, expected in [(1, 0.0), (2, -0.25), (3, -0.5)]:
        theta.grad = torch.ones_like(theta)
        rates.set(made, step)
        made.step()
        assert float(theta.detach()) == expected


def test_without_a_schedule_an_optimizer_steers_its_rate_itself(lab: None) -> None:
    made = optimizer(RegistryOptimizer(name="counting", options={"lr": 0.5}), [parameter()])
    plain, warmed = (Rates.of(Training(steps=9, rate=ConstantRate(warmup=n)), made) for n in (0, 1))
    made.param_groups[0]["lr"] = 7.0
    plain.set(made, 5)
    assert made.param_groups[0]["lr"] == 7.0
    warmed.set(made, 5)
    assert made.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("options", [{}, {"lr": None}], ids=["none", "null"])
def test_an_optimizer_without_a_rate_is_refused(options: dict[str, None]) -> None:
    class Ratefree(torch.optim.Optimizer):
        def __init__(self) -> None:
            super().__init__([parameter()], options)

    with pytest.raises(UserFault, match="the optimizer Ratefree has a parameter group without a learning rate `lr`"):
        Rates.of(Training(steps=1), Ratefree())
