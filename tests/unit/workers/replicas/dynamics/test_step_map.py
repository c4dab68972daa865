from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from schemas.models import ConvNet, Mlp, Transformer
from schemas.optimizers import Adam, AdamW, RmsProp, Rule, Sgd
from workers.brackets.functional import Tensors
from workers.errors import UserFault
from workers.losses import cross_entropy
from workers.models import initialised
from workers.replicas.dynamics import step_map
from workers.replicas.dynamics.step_map import StepMap, first_state, flat, named, train_mode
from workers.training.optimizers import optimizer

RULES: list[Rule] = [
    Sgd(lr=0.1, weight_decay=0.01),
    Sgd(lr=0.1, momentum=0.9, dampening=0.1),
    Sgd(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    Adam(lr=0.01, betas=(0.8, 0.99), weight_decay=0.01),
    AdamW(lr=0.01, betas=(0.8, 0.99)),
    RmsProp(lr=0.01, momentum=0.5, centered=True),
]
INPUTS = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
TARGETS = torch.eye(3, dtype=torch.float64)[[0, 1, 2, 2, 1, 0]]
MLP = initialised(Mlp(hidden=(5,), activation="tanh"), (4,), 3, 0, torch.float64, None)


def theta_of(model: nn.Module) -> Tensors:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def mean_loss_of(model: nn.Module, inputs: Tensor = INPUTS) -> Callable[[Tensors], Tensor]:
    function = train_mode(model, cross_entropy)
    return lambda theta: function(theta, dict(model.named_buffers()), inputs, TARGETS[: len(inputs)])


def after(rule: Rule, steps: int) -> Tensors:
    state = first_state(rule, flat(theta_of(MLP)))
    for step in range(steps):
        state = map_of(MLP, rule, step)(state)
    return state


def map_of(model: nn.Module, rule: Rule, taken: int, inputs: Tensor = INPUTS) -> StepMap:
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    return StepMap(mean_loss_of(model, inputs), shapes, rule, taken)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_steps_of_the_map_are_those_of_torch_optim(rule: Rule) -> None:
    model = initialised(Mlp(hidden=(5,), activation="tanh"), (4,), 3, 0, torch.float64, None)
    reference = optimizer(rule, model.parameters())
    for _ in range(4):
        reference.zero_grad()
        cross_entropy(model(INPUTS), TARGETS).mean().backward()
        reference.step()
    torch.testing.assert_close(after(rule, 4)["parameters"], flat(theta_of(model)), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_tangents_agree_with_central_differences_in_every_part_of_the_state(rule: Rule) -> None:
    state, move = after(rule, 3), map_of(MLP, rule, 3)
    draw = torch.Generator().manual_seed(1)
    deltas = {
        # Relative for second moments, which are small and must stay positive.
        name: torch.randn(2, *tensor.shape, dtype=tensor.dtype, generator=draw) * (tensor if "sq" in name else 1)
        for name, tensor in state.items()
    }
    pushed, h = move.push(state, deltas), 1e-6
    for k in range(2):
        ahead, behind = (
            move({name: tensor + sign * h * deltas[name][k] for name, tensor in state.items()}) for sign in (1, -1)
        )
        for name, tangent in pushed.items():
            difference = (ahead[name] - behind[name]) / (2 * h)
            torch.testing.assert_close(tangent[k], difference, rtol=1e-5, atol=1e-6 * float(tangent[k].abs().max()))


@pytest.mark.parametrize("rule", RULES[3:], ids=repr)
def test_a_second_moment_of_0_has_a_finite_derivative(rule: Rule) -> None:
    """Parameters that the loss does not depend on have gradient 0 from the first step on."""
    state = first_state(rule, torch.ones(2, dtype=torch.float64))
    deltas = {name: torch.zeros(1, 2, dtype=torch.float64) for name in state}
    deltas["parameters"] = torch.ones(1, 2, dtype=torch.float64)
    move = StepMap(lambda theta: theta["w"][0].square() + 0 * theta["w"][1], {"w": torch.Size([2])}, rule, 0)
    pushed = move.push(state, deltas)
    assert all(tensor.isfinite().all() for tensor in pushed.values())


def test_few_tangents_at_a_time_are_as_good_as_all(monkeypatch: pytest.MonkeyPatch) -> None:
    state, move = after(Adam(), 1), map_of(MLP, Adam(), 1)
    draw = torch.Generator().manual_seed(2)
    deltas = {name: 1e-3 * torch.randn(3, *t.shape, dtype=t.dtype, generator=draw) for name, t in state.items()}
    whole = move.push(state, deltas)
    monkeypatch.setattr(step_map, "ELEMENTS", 1)
    for name, tangent in move.push(state, deltas).items():
        torch.testing.assert_close(tangent, whole[name], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("spec", "shape"),
    [(ConvNet(channels=(2, 3)), (1, 8, 8)), (Transformer(width=4, heads=2, depth=1, patch=2), (1, 4, 4))],
)
def test_models_with_batchnorm_and_attention_are_differentiated_in_train_mode(
    spec: ConvNet | Transformer, shape: tuple[int, ...]
) -> None:
    model = initialised(spec, shape, 3, 0, torch.float64, None).train()
    inputs = torch.randn(4, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    mean_loss, theta = mean_loss_of(model, inputs), theta_of(model)
    torch.testing.assert_close(mean_loss(theta), cross_entropy(model(inputs), TARGETS[:4]).mean().detach())
    state = {"parameters": flat(theta)}
    draw = torch.Generator().manual_seed(4)
    deltas = {name: torch.randn(1, *t.shape, dtype=t.dtype, generator=draw) for name, t in state.items()}
    move, h = map_of(model, Sgd(lr=0.1), 0, inputs), 1e-6
    pushed = move.push(state, deltas)
    ahead, behind = (move({n: t + sign * h * deltas[n][0] for n, t in state.items()}) for sign in (1, -1))
    for name, tangent in pushed.items():
        torch.testing.assert_close(tangent[0], (ahead[name] - behind[name]) / (2 * h), rtol=1e-4, atol=1e-6)


def test_an_operation_without_second_derivatives_is_refused() -> None:
    class Rounded(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: Tensor) -> Tensor:
            return x.round()

        @staticmethod
        def backward(ctx: object, g: Tensor) -> Tensor:  # type: ignore[override]  # a torch hook of free signature
            return g

    state = {"parameters": torch.ones(2, dtype=torch.float64)}
    move = StepMap(lambda theta: Rounded.apply(theta["w"]).sum(), {"w": torch.Size([2])}, Sgd(), 0)
    with pytest.raises(UserFault, match=r"Lyapunov exponents need a model that torch\.func can differentiate twice"):
        move.push(state, {"parameters": torch.ones(1, 2, dtype=torch.float64)})


def test_vectors_and_named_tensors_are_each_others_inverse() -> None:
    theta = theta_of(MLP)
    back = named(flat(theta), {name: tensor.shape for name, tensor in theta.items()})
    assert list(back) == list(theta)
    assert all(torch.equal(back[name], theta[name]) for name in theta)
