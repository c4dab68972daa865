import pytest
import torch

from schemas.losses import BinaryCrossEntropy, CrossEntropy, GroupedCrossEntropy, RegistryLoss, SquaredError
from workers.data import Dataset, Split
from workers.losses import probabilities, right_answers

LOGITS = torch.tensor([[0.5, -1.0, 2.0, 20.0], [-3.0, 0.0, 1.0, -20.0]])
NAMES = ("a", "b", "c", "d")
CLASSES = Split(torch.zeros(2, 1), torch.tensor([0, 3]))
INDEPENDENT = Split(torch.zeros(2, 1), torch.eye(4)[:2])


def softmax(z: torch.Tensor) -> torch.Tensor:
    return z.exp() / z.exp().sum(-1, keepdim=True)


def sigmoid(z: torch.Tensor) -> torch.Tensor:
    return 1 / (1 + (-z).exp())


@pytest.mark.parametrize(
    ("loss", "split", "expected"),
    [
        (CrossEntropy(), CLASSES, softmax),
        (BinaryCrossEntropy(), CLASSES, sigmoid),
        (BinaryCrossEntropy(), INDEPENDENT, sigmoid),
        (SquaredError(), CLASSES, softmax),
        (SquaredError(), INDEPENDENT, sigmoid),
        (RegistryLoss(name="any"), CLASSES, softmax),
        (RegistryLoss(name="any"), INDEPENDENT, sigmoid),
    ],
)
def test_probabilities_follow_loss_and_labels(loss, split: Split, expected) -> None:
    found = probabilities(loss, Dataset(split, split, NAMES, "none"), LOGITS)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected(LOGITS.double()))


def test_grouped_probabilities_leave_room_for_none() -> None:
    data = Dataset(INDEPENDENT, INDEPENDENT, NAMES, "none")
    found = probabilities(GroupedCrossEntropy(groups=((2, "a"), ("d",))), data, LOGITS)
    z = LOGITS.double().exp()
    below = 1 + z[:, 0] + z[:, 2]
    expected = torch.stack([z[:, 0] / below, z[:, 1] / (1 + z[:, 1]), z[:, 2] / below, z[:, 3] / (1 + z[:, 3])], 1)
    torch.testing.assert_close(found, expected)


def test_right_answers_of_classes() -> None:
    logits = torch.tensor([[1.0, 2.0], [5.0, 2.0], [0.0, 1.0]])
    assert right_answers(logits, torch.tensor([1, 1, 1]), logits.softmax(-1)).tolist() == [1, 0, 1]


def test_classes_are_told_apart_where_probabilities_saturate() -> None:
    logits = torch.tensor([[50.0, 60.0]], dtype=torch.float64)
    assert right_answers(logits, torch.tensor([1]), torch.sigmoid(logits)).tolist() == [1]


def test_right_answers_of_independent_labels_are_shares() -> None:
    logits = torch.tensor([[1.0, -2.0, 3.0, -1.0]])
    assert right_answers(logits, torch.tensor([[1.0, 0.0, 0.0, 1.0]]), torch.sigmoid(logits)).tolist() == [0.5]
