"""Alignment of networks whose best permutation is known, and of those whose is not."""

from itertools import permutations
from math import isnan, sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from schemas.models import ConvNet, Mlp
from tests.support.permutable import NETWORKS, drawn, network
from workers.errors import Cancelled, UserFault
from workers.models import initialised
from workers.replicas.alignment import match_weights, permutation_spec, permuted
from workers.replicas.alignment.matching import Descent
from workers.streams import Stream, generator

every_network = pytest.mark.parametrize("name", NETWORKS)


def distance(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    return sqrt(sum(float((first[name] - second[name]).square().sum()) for name in first))


def held(model: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def found_again(model: nn.Module, seed: int) -> None:
    spec = permutation_spec(model)
    parameters, orders = held(model), drawn(spec, seed)
    alignment = match_weights(spec, parameters, permuted(spec, parameters, orders), seed)
    assert alignment.distance == 0
    back = {group: order.argsort() for group, order in orders.items()}
    assert all(torch.equal(alignment.permutations[group], order) for group, order in back.items())
    away = [int(unit) != place for order in back.values() for place, unit in enumerate(order)]
    assert alignment.moved_units == pytest.approx(sum(away) / max(1, len(away)), rel=1e-15)


@every_network
def test_a_network_permuted_by_hand_is_found_again(name: str) -> None:
    found_again(network(name).model, 1)


@given(
    hidden=st.lists(st.integers(1, 12), max_size=4),
    bias=st.booleans(),
    inputs=st.integers(1, 5),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=25)
def test_perceptrons_of_any_width_and_depth(hidden: list[int], bias: bool, inputs: int, seed: int) -> None:
    found_again(initialised(Mlp(hidden=tuple(hidden), bias=bias), (inputs,), 3, seed, torch.float64), seed)


@given(
    channels=st.lists(st.integers(1, 8), min_size=1, max_size=3),
    norm=st.sampled_from(["batch", "none"]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=15)
def test_convnets_of_any_width_and_depth(channels: list[int], norm: str, seed: int) -> None:
    found_again(initialised(ConvNet(channels=tuple(channels), norm=norm), (2, 4, 4), 3, seed, torch.float32), seed)


@every_network
def test_equal_networks_stay_as_they_are(name: str) -> None:
    net = network(name)
    spec = permutation_spec(net.model)
    alignment = match_weights(spec, net.parameters, net.parameters, 0)
    assert alignment.distance == alignment.naive_distance == alignment.moved_units == 0
    assert all(torch.equal(order, torch.arange(len(order))) for order in alignment.permutations.values())


def test_equal_units_stay_as_they_are() -> None:
    """Ties have many best permutations, the identity among them."""
    zeros = {name: torch.zeros_like(tensor) for name, tensor in network("mlp").parameters.items()}
    alignment = match_weights(permutation_spec(network("mlp").model), zeros, zeros, 0)
    assert all(torch.equal(order, torch.arange(len(order))) for order in alignment.permutations.values())


def test_one_hidden_layer_reaches_the_best_of_all_permutations() -> None:
    models = [initialised(Mlp(hidden=(5,)), (3,), 2, seed, torch.float64) for seed in (1, 2)]
    spec, (A, B) = permutation_spec(models[0]), map(held, models)
    best = min(distance(A, permuted(spec, B, {"1": torch.tensor(order)})) for order in permutations(range(5)))
    alignment = match_weights(spec, A, B, 0)
    assert alignment.distance == pytest.approx(best, rel=1e-14)
    assert alignment.spread == pytest.approx((best, best, best), rel=1e-14)


@every_network
@pytest.mark.parametrize("built_up", [False, True])
def test_every_change_raises_the_inner_product_by_its_gain(name: str, built_up: bool) -> None:
    net, B = network(name, 1), network(name, 2).parameters
    spec = permutation_spec(net.model)
    descent = Descent(spec, net.parameters, B)

    def inner() -> float:
        moved = permuted(spec, B, descent.permutations)
        return sum(float((net.parameters[name] * moved[name]).sum()) for name in moved)

    before = None if built_up else inner()
    for gain in descent.run(generator(0, Stream.ALIGNMENT), built_up):
        assert gain > 0
        after = inner()
        if before is not None:
            assert after - before == pytest.approx(gain, rel=1e-9)
        before = after


@pytest.mark.parametrize("seed", range(4))
def test_no_group_alone_can_improve_on_the_result(seed: int) -> None:
    """A descent from where another has ended, which tries every group, changes nothing."""
    models = [initialised(Mlp(hidden=(9, 8, 9, 7)), (4,), 3, number, torch.float64) for number in (seed, 50 + seed)]
    spec, (A, B) = permutation_spec(models[0]), map(held, models)
    first = match_weights(spec, A, B, seed, starts=1)
    again = match_weights(spec, A, permuted(spec, B, first.permutations), seed + 1, starts=1)
    assert first.moved_units > 0
    assert again.moved_units == 0
    assert again.distance == first.distance


@every_network
def test_the_result_is_what_its_permutations_give(name: str) -> None:
    A, B = network(name, 1), network(name, 2)
    spec = permutation_spec(A.model)
    alignment = match_weights(spec, A.parameters, B.parameters, 3)
    least, middle, most = alignment.spread
    assert alignment.naive_distance == distance(A.parameters, B.parameters)
    assert alignment.distance == distance(A.parameters, permuted(spec, B.parameters, alignment.permutations)) == least
    assert least <= middle <= most
    assert alignment.start_distances[0] <= alignment.naive_distance
    assert len(alignment.start_distances) == 5


def test_orders_come_from_the_seed_alone() -> None:
    A, B = (initialised(Mlp(hidden=(30, 30, 30)), (4,), 2, seed, torch.float32) for seed in (1, 2))
    spec = permutation_spec(A)
    first, again, other = (match_weights(spec, held(A), held(B), seed) for seed in (5, 5, 6))
    assert first.start_distances == again.start_distances != other.start_distances


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), 1e200])
def test_numbers_out_of_range_give_no_distance(broken: float) -> None:
    net = network("mlp")
    spec = permutation_spec(net.model)
    blown = net.parameters | {"3.weight": torch.full_like(net.parameters["3.weight"], broken)}
    alignment = match_weights(spec, net.parameters, blown, 0, starts=2)
    assert all(map(isnan, (alignment.distance, alignment.naive_distance, *alignment.spread)))
    assert all(torch.equal(order, torch.arange(len(order))) for order in alignment.permutations.values())


def test_networks_of_two_architectures_are_refused() -> None:
    net = network("mlp")
    other = net.parameters | {"3.weight": torch.zeros(2, 2)}
    with pytest.raises(UserFault, match=r"networks of one architecture, these differ in name or shape at 3\.weight"):
        match_weights(permutation_spec(net.model), net.parameters, other, 0)


def test_a_search_can_be_ended_after_any_change() -> None:
    A, B = network("mlp", 1), network("mlp", 2)

    def pause() -> None:
        raise Cancelled("told to stop")

    with pytest.raises(Cancelled, match="told to stop"):
        match_weights(permutation_spec(A.model), A.parameters, B.parameters, 0, pause=pause)
