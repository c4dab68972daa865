from dataclasses import replace

import numpy as np
import pytest
import torch

from schemas.bracket_results import OUTPUTS
from schemas.losses import BinaryCrossEntropy, CrossEntropy
from workers.brackets.summaries.cooccurrence import Neighbours
from workers.brackets.summaries.outputs import (
    OutputFacts,
    OutputSums,
    output_columns,
    output_multiples,
    output_sums,
    slack,
)
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


def test_multiples_are_of_the_median_of_outputs_that_are_no_controls() -> None:
    numbers = np.array([1.0, 2.0, 4.0, 8.0, np.nan, 1e9])
    found = output_multiples(numbers, np.arange(6) == 5)
    np.testing.assert_allclose(found, numbers / 3)


@pytest.mark.parametrize("numbers", [np.zeros(3), np.full(3, np.nan)], ids=["zeros", "unknown"])
def test_there_are_no_multiples_of_nothing(numbers: np.ndarray) -> None:
    assert np.isnan(output_multiples(numbers, np.zeros(3, dtype=bool))).all()


def test_columns_fill_the_table_and_flag_what_stands_out() -> None:
    K = 9
    sums = OutputSums(4, np.append(np.linspace(1, 2, K - 1), 1e6) * 8, np.full(K, 3.0), np.full(K, 8.0))
    facts = OutputFacts(
        labels=[f"label {k}" for k in range(K)],
        slack=np.append(np.full(K - 2, 0.25), [0.0, 0.25]),
        label_rate=np.full(K, 0.5),
        train_rate=np.full(K, 0.4),
        neighbours=[Neighbours(rival=1, rival_lift=0.0, rival_expected=9.0)] + [Neighbours()] * (K - 1),
        test_examples=2,
    )
    columns = output_columns(40, sums, facts)
    assert set(columns) == {column.name for column in OUTPUTS.columns}
    assert columns["logit_rms"][0] == 1.0
    assert columns["normalised_rms"][0] == 4.0
    assert columns["normalised_rms"][K - 2] is None
    assert columns["multiple"][K - 2] is None
    assert columns["flagged"].tolist() == [False] * (K - 1) + [True]
    assert columns["probability_rms"][0] == 1.0
    assert (columns["rival"][0], columns["rival_lift"][0]) == ("label 1", 0.0)
    assert columns["companion"] == [None] * K
    classes = output_columns(40, sums, replace(facts, neighbours=None))
    assert classes["rival"] == [None] * K
