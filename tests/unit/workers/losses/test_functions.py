import pytest
import torch
from torch import nn

from schemas.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from workers.losses import example_loss, loss_targets

NAMES = ("a", "b", "c", "d")

LOGITS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3
CLASSES = torch.tensor([0, 3, 2, 1, 1, 0])
LABELS = torch.tensor([[0, 1, 1, 0]] * 6, dtype=torch.float64)


def test_cross_entropy_is_pytorchs() -> None:
    spec = CrossEntropy()
    values = example_loss(spec, NAMES)(LOGITS, loss_targets(spec, CLASSES, NAMES, torch.float64))
    torch.testing.assert_close(values, nn.functional.cross_entropy(LOGITS, CLASSES, reduction="none"))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_binary_cross_entropy_is_pytorchs_reduced_over_outputs(reduction: str) -> None:
    spec = BinaryCrossEntropy(reduction=reduction)
    values = example_loss(spec, NAMES)(LOGITS, loss_targets(spec, LABELS, NAMES, torch.float64))
    each = nn.functional.binary_cross_entropy_with_logits(LOGITS, LABELS, reduction="none")
    torch.testing.assert_close(values, getattr(each, reduction)(1))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_squared_error_is_half_the_squares_with_one_hot_targets(reduction: str) -> None:
    spec = SquaredError(reduction=reduction)
    values = example_loss(spec, NAMES)(LOGITS, loss_targets(spec, CLASSES, NAMES, torch.float64))
    each = 0.5 * (LOGITS - torch.eye(4, dtype=torch.float64)[CLASSES]) ** 2
    torch.testing.assert_close(values, getattr(each, reduction)(1))


@pytest.mark.parametrize("spec", [CrossEntropy(), BinaryCrossEntropy(), SquaredError()], ids=lambda spec: spec.kind)
def test_large_logits_stay_finite_with_their_gradients(spec) -> None:
    logits = torch.tensor([300.0, -300.0, 0.0], requires_grad=True)
    loss = example_loss(spec, NAMES)(logits, torch.tensor([0.0, 1.0, 0.0]))
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()
