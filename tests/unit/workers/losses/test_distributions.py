import pytest
import torch
from torch import Tensor

from schemas.losses import BinaryCrossEntropy, CrossEntropy, GroupedCrossEntropy, Loss, RegistryLoss, SquaredError
from workers.data import Dataset, Split
from workers.losses import log_probabilities, probabilities

NAMES = ("a", "b", "c", "d")
LOGITS = torch.tensor([[0.5, -1.0, 2.0, 3.0], [-3.0, 0.0, 1.0, -2.0]])


def of(loss: Loss, logits: Tensor = LOGITS) -> tuple[Tensor, ...]:
    found = log_probabilities(loss, NAMES, logits)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("loss", "shapes"),
    [
        (CrossEntropy(), [(1, 4)]),
        (BinaryCrossEntropy(), [(4, 2)]),
        (GroupedCrossEntropy(groups=((2, "a"),)), [(1, 3), (2, 2)]),
        (GroupedCrossEntropy(groups=((0, 1), (2, 3))), [(1, 3), (1, 3)]),
    ],
)
def test_every_choice_is_a_distribution(loss: Loss, shapes: list[tuple[int, int]]) -> None:
    found = of(loss)
    assert [tuple(part.shape) for part in found] == [(2, *shape) for shape in shapes]
    for part in found:
        assert part.dtype == torch.float64
        torch.testing.assert_close(part.exp().sum(-1), torch.ones(part.shape[:-1], dtype=torch.float64))


def test_they_are_logarithms_of_the_probabilities_of_labels() -> None:
    split = Split(torch.zeros(2, 1), torch.eye(4)[:2])
    grouped = GroupedCrossEntropy(groups=((2, "a"),))
    chosen, others = of(grouped)
    label = torch.stack([chosen[:, 0, 2], others[:, 0, 0], chosen[:, 0, 1], others[:, 1, 0]], 1)
    expected = probabilities(grouped, Dataset(split, split, NAMES, "none"), LOGITS)
    torch.testing.assert_close(label.exp(), expected)
    torch.testing.assert_close(of(CrossEntropy())[0].squeeze(-2), LOGITS.double().log_softmax(-1))
    torch.testing.assert_close(of(BinaryCrossEntropy())[0][..., 0].exp(), torch.sigmoid(LOGITS.double()))


@pytest.mark.parametrize("loss", [CrossEntropy(), BinaryCrossEntropy(), GroupedCrossEntropy(groups=((0, 1),))])
def test_they_are_finite_for_large_logits(loss: Loss) -> None:
    for part in of(loss, torch.tensor([[1e30, -1e30, 3e4, 0.0]])):
        assert part.isfinite().all()


@pytest.mark.parametrize("loss", [SquaredError(), RegistryLoss(name="any")])
def test_some_losses_do_not_say_what_logits_mean(loss: Loss) -> None:
    assert log_probabilities(loss, NAMES, LOGITS) is None
