"""Barriers between networks for which they are known, and what a walk must leave alone."""

from dataclasses import replace
from math import inf, isfinite, isnan, nan

import pytest
import torch
from torch import Tensor, nn

from tests.support.permutable import NETWORKS, K, Network, drawn, network
from workers.data.dataset import Split
from workers.errors import Cancelled, UserFault
from workers.losses import cross_entropy, squared_error_sum
from workers.replicas.alignment import match_weights, permutation_spec, permuted
from workers.replicas.barriers import Barrier, Judge, State, StraightPath, straight_paths
from workers.replicas.barriers import estimation as module
from workers.training.evaluate import evaluate

NONE = Barrier(0.0, 0.0, 0.0)
every_network = pytest.mark.parametrize("name", NETWORKS)


def state(net: Network) -> State:
    return State(net.parameters, net.buffers)


def judge(net: Network, loss=cross_entropy) -> Judge:
    labels = torch.arange(len(net.inputs)) % K
    return Judge(Split(net.inputs, labels), torch.eye(K, dtype=torch.float64)[labels], loss, lambda z: z.softmax(-1))


@pytest.fixture(autouse=True)
def _several_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)


def walk(net: Network, start: State, end: State, **changes) -> StraightPath:
    by, options = changes.pop("judge", judge(net)), {"estimated_from": net.inputs} | changes
    return straight_paths(net.model, start, end, {"test": by}, **options)["test"]


@every_network
def test_a_network_and_itself(name: str) -> None:
    net = network(name)
    path = walk(net, state(net), state(net))
    assert path.loss_barrier == path.error_barrier == NONE
    assert path.positions == tuple(i / 24 for i in range(25))


@every_network
def test_a_network_permuted_by_hand_has_no_barrier_once_aligned(name: str) -> None:
    net = network(name)
    spec = permutation_spec(net.model)
    orders = drawn(spec)
    other = State(permuted(spec, net.parameters, orders), permuted(spec, net.buffers, orders))
    found = match_weights(spec, net.parameters, other.parameters, 0).permutations
    back = State(permuted(spec, other.parameters, found), permuted(spec, other.buffers, found))
    before, after = walk(net, state(net), other), walk(net, state(net), back)
    assert after.loss_barrier == after.error_barrier == NONE
    if spec.groups:
        assert before.loss_barrier != NONE
        assert before.losses[-1] == pytest.approx(before.losses[0], rel=1e-12)


def test_squared_error_of_a_linear_network_is_a_parabola() -> None:
    """v(λ) lies below its chord by λ (1 − λ) c, with c the mean of ½ ‖z_1 − z_0‖²."""
    first, second = network("mlp, linear", 1), network("mlp, linear", 2)
    path = walk(first, state(first), state(second), judge=judge(first, squared_error_sum), points=51)
    with torch.no_grad():
        apart = first.model(first.inputs) - second.model(first.inputs)
    c = float(apart.square().sum(-1).mean()) / 2
    barrier = path.loss_barrier
    assert barrier.midpoint == pytest.approx(-c / 4, rel=1e-10)
    assert barrier.mean_minus_chord == pytest.approx(-c / 6 * (1 - 1 / 50**2), rel=1e-10)
    assert barrier.max_minus_ends == pytest.approx(abs(path.losses[0] - path.losses[-1]) / 2, rel=1e-10)


@every_network
def test_every_position_is_the_network_there(name: str) -> None:
    first, second = network(name, 1), network(name, 2)
    path = walk(first, state(first), state(second))
    by = judge(first)
    for number in (0, 5, 24):
        x = path.positions[number]
        model = network(name).model
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                parameter.copy_((1 - x) * first.parameters[key] + x * second.parameters[key])
        estimated(model, first.inputs)
        expected = evaluate(model.eval(), by.loss, by.split, by.targets, by.meaning)
        assert path.losses[number] == pytest.approx(expected.loss, rel=1e-9)
        assert path.errors[number] == pytest.approx(1 - expected.accuracy)


def estimated(model: nn.Module, inputs: Tensor) -> None:
    """Train mode with momentum 1 keeps the last batch alone; the batches' statistics are averaged here."""
    norms = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)]
    seen: list[list[Tensor]] = []
    for layer in norms:
        layer.momentum = 1.0
    model.train()
    for batch in inputs.split(2):
        model(batch)
        seen.append([torch.stack([layer.running_mean, layer.running_var]) for layer in norms])
    for layer, *taken in zip(norms, *seen, strict=True):
        layer.running_mean, layer.running_var = torch.stack(taken).mean(0)


@pytest.mark.parametrize("name", ["mlp", "convnet"])
def test_nothing_that_was_given_is_changed_and_repeats_are_bitwise_equal(name: str) -> None:
    first, second = network(name, 1), network(name, 2)
    model = network(name, 3).model.train()
    held = [{key: tensor.clone() for key, tensor in kept.items()} for kept in everything(model, first, second)]
    once, again = (
        straight_paths(model, state(first), state(second), {"test": judge(first)}, first.inputs) for _ in range(2)
    )
    assert once == again
    assert model.training
    for kept, tensors in zip(held, everything(model, first, second), strict=True):
        assert all(torch.equal(kept[key], tensor) for key, tensor in tensors.items())


def everything(model: nn.Module, *networks: Network) -> list[dict[str, Tensor]]:
    return [model.state_dict(), *(net.parameters | net.buffers for net in networks)]


def test_without_batchnorm_nothing_is_estimated() -> None:
    first, second = network("convnet, no norm", 1), network("convnet, no norm", 2)
    paths = [walk(first, state(first), state(second), estimated_from=few) for few in (first.inputs[:0], None)]
    assert paths[0] == paths[1]


@pytest.mark.parametrize("name", ["mlp", "residual"])
def test_every_judge_sees_the_same_networks(name: str) -> None:
    first, second = network(name, 1), network(name, 2)
    judges = {"test": judge(first), "train": judge(second), "squared": judge(second, squared_error_sum)}
    together = straight_paths(first.model, state(first), state(second), judges, first.inputs)
    assert together == {key: walk(first, state(first), state(second), judge=by) for key, by in judges.items()}
    assert len(set(together.values())) == 3


@pytest.mark.parametrize("name", ["mlp", "convnet"])
@pytest.mark.parametrize("broken", [nan, inf])
def test_a_network_that_blew_up_is_marked_and_its_neighbour_is_not(name: str, broken: float) -> None:
    net = network(name)
    blown = {key: torch.full_like(tensor, broken) for key, tensor in net.parameters.items()}
    path = walk(net, state(net), replace(state(net), parameters=blown))
    assert isfinite(path.losses[0])
    assert isfinite(path.errors[0])
    assert isnan(path.errors[-1])
    assert isnan(path.loss_barrier.midpoint)
    assert isnan(path.error_barrier.max_minus_ends)


def test_the_walk_is_in_the_element_type_of_the_states() -> None:
    """The model may have been built in another one."""
    net = network("mlp")
    assert walk(replace(net, model=net.model.float()), state(net), state(net)).loss_barrier == NONE


@pytest.mark.parametrize(("points", "instead"), [(23, 25), (26, 27), (0, 25)])
def test_the_middle_must_be_one_of_enough_points(points: int, instead: int) -> None:
    net = network("mlp")
    message = f"odd number of points, at least 25, so that 1/2 is one of them; came {points}: take {instead}"
    with pytest.raises(UserFault, match=message):
        walk(net, state(net), state(net), points=points)


def test_batchnorm_needs_inputs_to_estimate_from() -> None:
    net = network("convnet")
    with pytest.raises(
        UserFault, match=r"BatchNorm needs training inputs, .* at every position: give `estimated_from`"
    ):
        walk(net, state(net), state(net), estimated_from=None)


def test_a_walk_can_be_ended_at_any_position() -> None:
    net, calls = network("mlp"), list[int]()

    def pause() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Cancelled("told to stop")

    with pytest.raises(Cancelled, match="told to stop"):
        walk(net, state(net), state(net), pause=pause)
