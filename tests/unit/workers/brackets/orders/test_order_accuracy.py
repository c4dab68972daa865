import numpy as np
import pytest

from schemas.bracket_results import ORDER_ACCURACY, REORDERINGS
from workers.brackets.orders.order_accuracy import order_accuracy_columns, reordering_columns
from workers.brackets.orders.orders import Reordering
from workers.brackets.orders.reorderings import Effect


def accuracy(predicted, realised) -> dict[str, object]:
    columns = order_accuracy_columns(40, predicted, realised, [0.5, 0.1, 0.2][: len(predicted)])
    assert set(columns) == {column.name for column in ORDER_ACCURACY.columns}
    return {name: values[0] for name, values in columns.items()}


def test_signs_and_correlation() -> None:
    predicted, realised = [1.0, -2.0, 3.0], [2.0, 1.0, 2.5]
    found = accuracy(predicted, realised)
    assert (found["reorderings"], found["agreeing"], found["accuracy"]) == (3, 2, 2 / 3)
    assert found["pearson_r"] == pytest.approx(np.corrcoef(predicted, realised)[0, 1])
    assert found["median_relative_error"] == 0.2


def test_exact_ties_agree_with_ties_alone() -> None:
    found = accuracy([0.0, 0.0, 1.0], [0.0, 1.0, 0.0])
    assert (found["agreeing"], found["accuracy"]) == (1, 1 / 3)


@pytest.mark.parametrize(
    ("predicted", "realised"), [([1.0], [1.0]), ([1.0, 1.0], [1.0, 2.0]), ([1.0, 2.0], [0.1, 0.1])]
)
def test_what_does_not_vary_does_not_correlate(predicted, realised) -> None:
    found = accuracy(predicted, realised)
    assert found["pearson_r"] is None
    assert found["accuracy"] == 1


def test_without_test_examples_there_is_no_accuracy() -> None:
    found = accuracy([None, None], [None, None])
    assert (found["reorderings"], found["agreeing"], found["accuracy"], found["pearson_r"]) == (2, 0, None, None)
    assert found["median_relative_error"] == pytest.approx(0.3)


def test_rows_of_reorderings_fill_their_table() -> None:
    orders = [Reordering((3, 8), (8, 3)), Reordering((1, 2, 3), (3, 2, 1))]
    effects = [Effect(1.0, 1.1, 0.1, 0.99, -0.5, -0.4), Effect(2.0, 2.0, 0.0, 1.0)]
    columns = reordering_columns(40, 7, orders, effects, 1e-3)
    assert set(columns) == {column.name for column in REORDERINGS.columns}
    assert columns["reordering"] == [7, 8]
    assert (columns["i"], columns["j"], columns["items"]) == ([3, None], [8, None], [2, 3])
    assert columns["agrees"] == [True, None]
