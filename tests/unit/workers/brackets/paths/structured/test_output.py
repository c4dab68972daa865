import pytest
import torch

from tests.support.perceptrons import LOSSES
from workers.brackets.paths.structured.output import curvature_products, curvatures, slopes

LOGITS = torch.tensor([[0.3, -1.2, 2.0, 0.0], [5.0, 1.0, -3.0, 0.5], [0.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
TARGETS = torch.eye(4, dtype=torch.float64)[:3]


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_first_and_second_derivatives_of_every_row(loss) -> None:
    tangents = torch.linspace(-1, 1, 12, dtype=torch.float64).view(3, 4)
    slope, whole = slopes(loss, LOGITS, TARGETS), curvatures(loss, LOGITS, TARGETS)
    products = curvature_products(loss, LOGITS, TARGETS, tangents)
    for row, (z, t) in enumerate(zip(LOGITS, TARGETS, strict=True)):
        S = torch.autograd.functional.hessian(lambda v, t=t: loss(v, t), z)
        torch.testing.assert_close(slope[row], torch.autograd.functional.jacobian(lambda v, t=t: loss(v, t), z))
        torch.testing.assert_close(whole[row], S)
        torch.testing.assert_close(products[row], S @ tangents[row])
