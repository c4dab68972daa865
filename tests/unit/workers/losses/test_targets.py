import pytest
import torch

from schemas.losses import BinaryCrossEntropy, CrossEntropy, GroupedCrossEntropy
from workers.errors import UserFault
from workers.losses import loss_targets

NAMES = ("a", "b", "c")
LABELS = torch.tensor([[0, 1, 1], [1, 0, 0]])


def test_classes_become_one_hot() -> None:
    found = loss_targets(BinaryCrossEntropy(), torch.tensor([2, 0]), NAMES, torch.float64)
    assert found.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert found.dtype == torch.float64


def test_independent_labels_stay_what_they_are() -> None:
    assert loss_targets(BinaryCrossEntropy(), LABELS, NAMES, torch.float32).tolist() == LABELS.tolist()


def test_softmax_with_independent_labels_is_refused() -> None:
    with pytest.raises(UserFault, match="the data has 3 independent labels: use binary_cross_entropy"):
        loss_targets(CrossEntropy(), LABELS, NAMES, torch.float64)


def test_labels_of_a_group_must_exclude_each_other() -> None:
    loss_targets(GroupedCrossEntropy(groups=(("a", "b"),)), LABELS, NAMES, torch.float64)
    with pytest.raises(UserFault, match="but 1 of 2 examples have more than one of b, c: take them out of the group"):
        loss_targets(GroupedCrossEntropy(groups=(("a",), ("b", "c"))), LABELS, NAMES, torch.float64)
