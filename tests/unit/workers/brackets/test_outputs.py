import numpy as np
import pytest
import torch

from schemas.losses import BinaryCrossEntropy, CrossEntropy
from workers.brackets.outputs import output_sums, slack
from workers.data.digits import digits

DATA = digits()

MOVED = np.array([[[1.0, -3.0], [2.0, 0.5]], [[0.0, 1.0], [-4.0, 1.0]]])  # 2 pairs, 2 test examples, 2 outputs
SLACKS = np.array([[0.25, 0.1], [0.1, 0.2]])


def test_sums_over_pairs_and_test_examples() -> None:
    found = output_sums(MOVED, SLACKS)
    assert found.pairs == 2
    np.testing.assert_allclose(found.square_sum, [1 + 4 + 0 + 16, 9 + 0.25 + 1 + 1])
    assert found.largest.tolist() == [4.0, 3.0]
    np.testing.assert_allclose(
        found.probability_square_sum,
        [0.25**2 + 0.2**2 + 0.4**2, 0.3**2 + 0.1**2 + 0.1**2 + 0.2**2],
    )


def test_parts_add_up() -> None:
    whole, parts = output_sums(MOVED, SLACKS), output_sums(MOVED[:1], SLACKS) + output_sums(MOVED[1:], SLACKS)
    assert parts.pairs == whole.pairs
    for name in ("square_sum", "largest", "probability_square_sum"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name))


def test_no_pairs_are_no_movement() -> None:
    assert output_sums(MOVED[:0], SLACKS).largest.tolist() == [0, 0]


def test_slack_is_the_slope_of_the_probability() -> None:
    logits = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(torch.sigmoid(logits).sum(), logits)
    torch.testing.assert_close(slack(BinaryCrossEntropy(), DATA, logits.detach()), slope)
    jacobian = torch.autograd.functional.jacobian(lambda z: z.softmax(-1), logits[0])
    torch.testing.assert_close(slack(CrossEntropy(), DATA, logits.detach())[0], jacobian.diagonal())


def test_slack_does_not_drown_in_float32() -> None:
    found = slack(BinaryCrossEntropy(), DATA, torch.tensor([[20.0]]))
    assert float(found) == pytest.approx(np.exp(-20.0), rel=1e-6)
