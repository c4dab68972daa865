import pytest
import torch
from torch import nn

from workers.brackets.functional import Functional, trainable
from workers.errors import UserFault
from workers.losses import cross_entropy

X = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


def test_logits_depend_on_the_given_parameters_alone() -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    functional = Functional.of(model, cross_entropy)
    doubled = {name: 2 * parameter for name, parameter in functional.parameters.items()}
    assert torch.allclose(functional.logits(doubled, X), 2 * model(X))
    with torch.no_grad():
        assert torch.equal(functional.logits(functional.parameters, X), model(X))


def test_the_model_is_put_in_eval_mode() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(), nn.Linear(3, 2))
    functional = Functional.of(model, cross_entropy)
    functional.refuse_randomness(X)
    functional.logits(functional.parameters, X)
    assert int(functional.buffers["0.num_batches_tracked"]) == 0


def test_buffers_are_explicit() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2))
    functional = Functional.of(model, cross_entropy)
    other = Functional(
        model, functional.parameters, functional.buffers | {"0.running_mean": X.mean(0)}, cross_entropy
    )
    assert not torch.allclose(functional.logits(functional.parameters, X), other.logits(functional.parameters, X))


def test_frozen_parameters_are_held_fixed() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    functional = Functional.of(model, cross_entropy)
    assert list(functional.parameters) == list(trainable(model)) == ["1.weight", "1.bias"]
    assert {"0.weight", "0.bias"} <= functional.buffers.keys()
    assert torch.allclose(functional.logits(functional.parameters, X), model(X))


def test_batchnorm_without_running_statistics_is_refused() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False), nn.Linear(3, 2))
    with pytest.raises(UserFault, match="BatchNorm with running statistics, '0' keeps none"):
        Functional.of(model, cross_entropy)


def test_dropout_left_on_is_refused() -> None:
    class Noisy(nn.Linear):
        def forward(self, inputs):
            return super().forward(nn.functional.dropout(inputs, training=True))

    functional = Functional.of(Noisy(3, 2), cross_entropy)
    with pytest.raises(UserFault, match="different outputs for the same input in eval mode"):
        functional.refuse_randomness(X)


class Centred(nn.Linear):
    """Couples the examples of a batch without BatchNorm."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(inputs - inputs.mean(0))


def test_models_that_couple_examples_are_refused() -> None:
    with pytest.raises(UserFault, match="other logits within a batch than alone: brackets need a loss that is a sum"):
        Functional.of(Centred(3, 2), cross_entropy).refuse_coupling(X)


def test_models_that_lose_the_axis_of_a_single_example_are_refused() -> None:
    class Squeezed(nn.Linear):
        def forward(self, rows):
            return super().forward(rows).squeeze()

    with pytest.raises(UserFault, match=r"3 examples logits \(3, 2\), and one by one \(6,\): keep the axis"):
        Functional.of(Squeezed(3, 2), cross_entropy).refuse_coupling(torch.ones(3, 3))


def test_rounding_is_no_coupling() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 300), nn.Tanh(), nn.Linear(300, 2))
    Functional.of(model, cross_entropy).refuse_coupling(X)


STOPPING = {
    "detached": lambda z: z * z.sin().detach(),
    "straight through": lambda z: z + (z.round() - z).detach(),
}


@pytest.mark.parametrize("name", STOPPING)
def test_models_that_stop_gradients_are_refused(name: str) -> None:
    class Stopping(nn.Linear):
        def forward(self, rows):
            return STOPPING[name](super().forward(rows))

    with pytest.raises(UserFault, match="not the derivatives of its loss: along one, the loss changes"):
        Functional.of(Stopping(3, 2), cross_entropy).refuse_stopped_gradients(X[0], torch.eye(2)[0])


SMOOTH_OR_NOT = {
    "kinks": lambda: nn.Sequential(nn.Linear(3, 50), nn.ReLU(), nn.Linear(50, 50), nn.ReLU(), nn.Linear(50, 2)),
    "large": lambda: nn.Sequential(nn.Linear(3, 50), nn.Mish(), scaled(nn.Linear(50, 2), 1e3)),
    "small": lambda: scaled(nn.Linear(3, 2), 1e-12),
    "in float32 alone": lambda: nn.Sequential(nn.Linear(3, 2), Shifted()),
    "rounded": lambda: nn.Sequential(nn.Linear(3, 2), Rounded()),
    "constant": lambda: nn.Sequential(nn.Linear(3, 2), scaled(nn.LayerNorm(2), 0.0)),
}


class Shifted(nn.Module):
    def forward(self, z):
        return z @ torch.ones(2, 2)


class Rounded(nn.Module):
    def forward(self, z):
        return z.float().tanh()


def scaled(module: nn.Module, factor: float) -> nn.Module:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter *= factor
    return module


@pytest.mark.parametrize("name", SMOOTH_OR_NOT)
def test_gradients_of_other_models_are_the_derivatives_of_their_loss(name: str) -> None:
    for seed in range(5):
        torch.manual_seed(seed)
        functional = Functional.of(SMOOTH_OR_NOT[name](), cross_entropy)
        functional.refuse_stopped_gradients(X[0], torch.eye(2)[0])
