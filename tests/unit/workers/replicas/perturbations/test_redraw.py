"""A replica that is initialised anew is the network that a run with another seed starts from."""

import numpy as np
import pytest
import torch
from torch import Tensor

from schemas.models import Mlp
from schemas.perturbations import Reinitialise, Where
from workers.errors import UserFault
from workers.models import initialised
from workers.replicas.perturbations.redraw import redrawn


def network(seed: int) -> dict[str, Tensor]:
    model = initialised(Mlp(hidden=(5,)), (3,), 2, seed, torch.float32)
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def draw(number: int = 0) -> np.random.Generator:
    return np.random.default_rng(number)


def test_all_of_it_is_the_network_of_the_drawn_seed() -> None:
    seed = int(draw().integers(2**63))
    found = redrawn(network(1), Reinitialise(), draw(), network)
    assert all(torch.equal(found[name], tensor) for name, tensor in network(seed).items())


def test_replicas_differ_and_repeat() -> None:
    first, again, second = (redrawn(network(1), Reinitialise(), draw(number), network) for number in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], second[name]) for name in first)


def test_what_is_not_chosen_keeps_its_bits_and_what_was_there_is_left_alone() -> None:
    before = network(1)
    kept = {name: tensor.clone() for name, tensor in before.items()}
    found = redrawn(before, Reinitialise(where=Where(tensors=("3.*",), fraction=0.5)), draw(), network)
    changed = {name: int((found[name] != before[name]).sum()) for name in before}
    assert changed == {"1.weight": 0, "1.bias": 0, "3.weight": 5, "3.bias": 1}
    assert all(torch.equal(before[name], kept[name]) for name in before)


def test_a_network_that_diverged_begins_anew() -> None:
    lost = {name: torch.full_like(tensor, float("nan")) for name, tensor in network(1).items()}
    found = redrawn(lost, Reinitialise(), draw(), network)
    assert all(tensor.isfinite().all() for tensor in found.values())


def test_what_is_not_there_cannot_be_drawn() -> None:
    with pytest.raises(UserFault, match=r"no parameter tensor is called 'layers\.\*'"):
        redrawn(network(1), Reinitialise(where=Where(tensors=("layers.*",))), draw(), network)
