from math import inf

import pytest
import torch
from torch import nn

from workers.replicas.barriers.line import Line, State, between


def test_the_ends_are_exact_whatever_the_other_is() -> None:
    start, end = torch.tensor([0.1, 1.0, 3.0]), torch.tensor([0.7, inf, -1e30])
    assert between(start, end, 0.0) is start
    assert between(start, end, 1.0) is end
    torch.testing.assert_close(between(start, end, 0.25), 0.75 * start + 0.25 * end)


@pytest.mark.parametrize("position", [0.0, 1 / 3, 1.0])
def test_between_equal_numbers_nothing_changes(position: float) -> None:
    same = torch.randn(100, generator=torch.Generator().manual_seed(0))
    assert torch.equal(between(same, same.clone(), position), same)


def test_whole_numbers_stay_those_of_the_start() -> None:
    model = nn.BatchNorm1d(2)
    weights = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    start = State(weights, {"running_mean": torch.zeros(2), "num_batches_tracked": torch.tensor(3)})
    end = State(
        {name: tensor + 4 for name, tensor in weights.items()},
        {"running_mean": torch.ones(2), "num_batches_tracked": torch.tensor(8)},
    )
    Line(start, end).place(model, 0.5)
    assert model.weight.tolist() == [3, 3]
    assert model.running_mean.tolist() == [0.5, 0.5]
    assert int(model.num_batches_tracked) == 3
    assert start.parameters["weight"].tolist() == [1, 1]
