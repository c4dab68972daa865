"""Update rules against PyTorch's optimizers, and against their own derivatives by differences."""

import pytest
import torch
from torch import Tensor

from schemas.optimizers import Adam, RmsProp, Rule
from tests.support.stacks import RULES
from workers.replicas.stack.rules import slot_names, update_, updated
from workers.training.optimizers import optimizer

P, STEPS = 37, 12


def randoms(count: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    draw = torch.Generator().manual_seed(1)
    return list(torch.randn(count, P, generator=draw).to(dtype))


def walk(rule: Rule, start: Tensor, gradients: list[Tensor]) -> Tensor:
    """Where the pure rule leads."""
    slots = {name: torch.zeros_like(start) for name in slot_names(rule)}
    for taken, gradient in enumerate(gradients):
        start, slots = updated(rule, start, gradient, slots, taken)
    return start


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_rules_are_those_of_pytorch(rule: Rule) -> None:
    start, *gradients = randoms(STEPS + 1)
    parameter = torch.nn.Parameter(start.clone())
    theirs = optimizer(rule, [parameter])
    for gradient in gradients:
        parameter.grad = gradient.clone()
        theirs.step()
    torch.testing.assert_close(walk(rule, start, gradients), parameter.detach(), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_in_place_and_pure_rules_give_the_same_bits(rule: Rule, dtype: torch.dtype) -> None:
    start, *gradients = randoms(STEPS + 1, dtype)
    slots = {name: torch.zeros_like(start) for name in slot_names(rule)}
    there, written = start, {name: slot.clone() for name, slot in slots.items()}
    here = start.clone()
    for taken, gradient in enumerate(gradients):
        before = start.clone(), gradient.clone(), {name: slot.clone() for name, slot in slots.items()}
        there, slots = updated(rule, there, gradient, slots, taken)
        assert torch.equal(start, before[0])
        assert torch.equal(gradient, before[1])
        update_(rule, here, gradient, written, taken)
        assert torch.equal(here, there)
        assert slots.keys() == written.keys()
        assert all(torch.equal(slots[name], written[name]) for name in slots)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_tangents_go_through_the_whole_state(rule: Rule) -> None:
    def after(start: Tensor, *gradients: Tensor) -> Tensor:
        return walk(rule, start, list(gradients))

    at = tuple(randoms(4))
    along = tuple(randoms(8)[4:])
    _, tangent = torch.func.jvp(after, at, along)
    step = 1e-6
    ahead, behind = (after(*(x + sign * step * d for x, d in zip(at, along, strict=True))) for sign in (1, -1))
    torch.testing.assert_close(tangent, (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("rule", [RULES["adam"], RULES["adamw"], RULES["rmsprop"], RULES["rmsprop-all"]])
def test_where_gradients_are_always_zero_tangents_are_finite(rule: Rule) -> None:
    zeros = torch.zeros(P, dtype=torch.float64)

    def after(start: Tensor, gradient: Tensor) -> Tensor:
        return walk(rule.model_copy(update={"weight_decay": 0.0}), start, [gradient, gradient])

    _, tangent = torch.func.jvp(after, (zeros + 1, zeros), (zeros + 1, zeros))
    assert torch.equal(tangent, zeros + 1)


def test_a_centred_root_of_a_negative_rounding_is_that_of_zero() -> None:
    rule = RmsProp(lr=0.1, centered=True, alpha=0.0)  # the mean square less the squared mean is 0, but for rounding
    gradient = torch.full((P,), 0.1, dtype=torch.float32)
    assert walk(rule, torch.zeros(P), [gradient] * 3).isfinite().all()


@pytest.mark.parametrize(("rule", "names"), [(RULES["sgd"], ()), (Adam(), ("exp_avg", "exp_avg_sq"))])
def test_slots_are_those_a_step_needs(rule: Rule, names: tuple[str, ...]) -> None:
    assert slot_names(rule) == names
