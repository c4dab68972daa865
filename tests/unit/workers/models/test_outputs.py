import pytest
import torch
from torch import nn

from workers.data import Dataset, Split
from workers.errors import UserFault
from workers.models.outputs import check_outputs


def points(K: int) -> Dataset:
    split = Split(torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64))
    return Dataset(split, split, tuple(str(k) for k in range(K)), "none")


def test_a_fitting_model_keeps_its_mode() -> None:
    model = nn.Linear(2, 4)
    check_outputs(model, points(4))
    assert model.training


def test_too_few_outputs() -> None:
    with pytest.raises(UserFault, match=r"the data has 4 labels, so the model must give \(2, 4\) .* gave \(2, 3\)"):
        check_outputs(nn.Linear(2, 3), points(4))


def test_outputs_of_another_kind() -> None:
    class Pair(nn.Linear):
        def forward(self, inputs):
            return inputs, inputs

    with pytest.raises(UserFault, match="it gave tuple"):
        check_outputs(Pair(2, 4), points(4))


def test_inputs_the_model_cannot_take() -> None:
    with pytest.raises(UserFault, match=r"cannot take inputs of shape \(2,\): .*; choose a model"):
        check_outputs(nn.Linear(5, 4), points(4))
