from typing import Any

import pytest

from schemas.changes import changed, hyper_parameters, impossible
from schemas.optimizers import Adam, AdamW, RegistryOptimizer, RmsProp, Rule, Sgd
from schemas.perturbations import Change


def window(parameter: Any, start: int = 3, stop: int = 5, **how: float) -> Change:
    return Change(parameter=parameter, start=start, stop=stop, **how)


@pytest.mark.parametrize(
    ("optimizer", "names"),
    [
        (Sgd(), ("lr", "momentum", "dampening", "weight_decay")),
        (Adam(), ("lr", "weight_decay", "eps", "beta1", "beta2")),
        (AdamW(), ("lr", "weight_decay", "eps", "beta1", "beta2")),
        (RmsProp(), ("lr", "momentum", "weight_decay", "eps", "alpha")),
        (RegistryOptimizer(name="lion"), ()),
    ],
)
def test_hyper_parameters_are_those_of_the_optimizer(optimizer: Rule, names: tuple[str, ...]) -> None:
    assert hyper_parameters(optimizer) == names


@pytest.mark.parametrize(
    ("optimizer", "change", "expected"),
    [
        (Sgd(lr=0.1), window("lr", factor=0.5), Sgd(lr=0.05)),
        (Sgd(lr=0.1, momentum=0.9), window("momentum", value=0), Sgd(lr=0.1)),
        (Adam(), window("beta1", value=0.5), Adam(betas=(0.5, 0.999))),
        (AdamW(), window("beta2", factor=0.5), AdamW(betas=(0.9, 0.4995))),
        (RmsProp(), window("alpha", value=0.9), RmsProp(alpha=0.9)),
        (AdamW(), window("weight_decay", factor=10), AdamW(weight_decay=0.1)),
    ],
)
def test_a_change_holds_in_its_window_alone(optimizer: Rule, change: Change, expected: Rule) -> None:
    assert [changed(optimizer, [change], step) for step in (3, 4, 5)] == [expected] * 3
    assert all(changed(optimizer, [change], step) is optimizer for step in (1, 2, 6))


def test_changes_follow_each_other() -> None:
    changes = [window("lr", factor=0.5), window("lr", stop=4, value=0.3), window("lr", start=4, factor=2)]
    rates = [changed(Sgd(lr=0.1), changes, step).lr for step in range(2, 7)]
    assert rates == pytest.approx([0.1, 0.3, 0.6, 0.1, 0.1])


@pytest.mark.parametrize(
    ("optimizer", "changes", "message"),
    [
        (
            Adam(),
            [window("momentum", value=0.9)],
            "adam has no momentum to change; it has lr, weight_decay, eps, beta1",
        ),
        (RegistryOptimizer(name="lion"), [window("lr", value=0.9)], "registry has no lr to change"),
        (Sgd(momentum=0.9), [window("momentum", factor=2)], "from step 3 .* Sgd: momentum: .*less than 1; came 1.8"),
        (Adam(), [window("beta2", value=1)], "Adam: betas.*less than 1"),
        (
            Sgd(momentum=0.5),
            [window("momentum", 2, 6, factor=1.5), window("momentum", 4, 9, factor=1.5)],
            "from step 4 .*came 1.125",
        ),
        (Sgd(momentum=0.9, nesterov=True), [window("momentum", value=0)], "nesterov needs momentum > 0"),
        (Adam(), [window("eps", value=0)], "eps: .*greater than 0"),
        (Sgd(lr=1e10), [window("lr", factor=1e300)], "the learning rate infinite from step 3: take smaller factors"),
    ],
)
def test_what_an_optimizer_cannot_be(optimizer: Rule, changes: list[Change], message: str) -> None:
    why = impossible(optimizer, changes)
    assert why is not None
    assert "\n" not in why
    with pytest.raises(ValueError, match=message):
        raise ValueError(why)


def test_what_an_optimizer_can_be() -> None:
    assert impossible(Sgd(), [window("lr", value=0)]) is None  # a run that stands still
    assert impossible(Sgd(momentum=0.9), [window("momentum", value=0), window("momentum", 4, 4, value=0.99)]) is None
    assert impossible(RegistryOptimizer(name="lion"), []) is None
