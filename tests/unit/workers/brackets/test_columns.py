import numpy as np
import pytest

from schemas.results import PAIRS
from workers.brackets.columns import PairNumbers, ratio
from workers.errors import UserFault


def numbers(**changed) -> PairNumbers:
    """Two pairs over two tensors; the second pair's gradients and products vanish."""
    values = {
        "examples": np.array([[3, 8], [3, 9]]),
        "squares": np.array([[9.0, 16.0], [0.0, 0.0]]),
        "dot_i": np.array([5.0, 0.0]),
        "dot_j": np.array([-10.0, 0.0]),
        "gradient_dot": np.array([1.0, 0.0]),
        "square_ij": np.array([36.0, 0.0]),
        "square_ji": np.array([16.0, 0.0]),
        "gradient_norms": np.array([[2.0, 4.0], [2.0, 0.0]]),
        "losses": np.array([[0.5, 0.25], [0.5, 0.0]]),
        "logits": np.array([[[3.0, -4.0]], [[0.0, 0.0]]], dtype=np.float32),
    }
    return PairNumbers(**(values | changed))


def test_columns_fill_the_table_and_follow_its_definitions() -> None:
    columns = numbers().columns(100, parameters=25, name="tiles/x", kept={(3, 9): 0})
    assert set(columns) == {column.name for column in PAIRS.columns}
    first = {name: values[0] for name, values in columns.items()}
    assert first["step"] == 100
    assert (first["i"], first["j"]) == (3, 8)
    assert (first["bracket_norm"], first["bracket_rms"]) == (5.0, 1.0)
    assert (first["cosine_i"], first["cosine_j"]) == (5 / (5 * 2), -10 / (5 * 4))
    assert first["gradient_cosine"] == 1 / 8
    assert first["defect"] == 5 / 8
    assert (first["hvp_norm_ij"], first["hvp_norm_ji"]) == (6, 4)
    assert first["cancellation"] == 0.5
    assert (first["logit_rms"], first["logit_max"]) == (pytest.approx(np.sqrt(12.5)), 4)
    assert (first["object"], first["position"], first["kept_position"]) == ("tiles/x", 0, None)
    assert columns["kept_position"][1] == 0


def test_vanishing_gradients_give_no_division_by_zero() -> None:
    columns = numbers().columns(0, 25, "t", {})
    second = {name: values[1] for name, values in columns.items()}
    assert (second["cosine_i"], second["cosine_j"], second["defect"], second["gradient_cosine"]) == (0, 0, 0, 0)
    assert second["cancellation"] == 1


def test_without_test_examples_the_logit_columns_are_null() -> None:
    columns = numbers(logits=None).columns(0, 25, "t", {})
    assert columns["logit_rms"] == [None, None]
    assert columns["logit_max"] == [None, None]


def test_finite_numbers_pass() -> None:
    numbers().check_finite(7)


@pytest.mark.parametrize(
    "changed",
    [
        {"squares": np.array([[9.0, 16.0], [np.nan, 0.0]])},
        {"square_ij": np.array([1.0, np.inf])},
        {"square_ji": np.array([1.0, np.inf])},
        {"logits": np.array([[[3.0, -4.0]], [[0.0, np.nan]]])},
    ],
    ids=lambda value: next(iter(value)),
)
def test_numbers_that_are_not_finite_name_their_examples(changed) -> None:
    with pytest.raises(UserFault, match=r"those of 1 pairs at step 7 are not, first examples \[\(3, 9\)\]"):
        numbers(**changed).check_finite(7)


def test_ratio() -> None:
    assert ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0]), where_zero=9.0).tolist() == [0.5, 9.0]


def test_logits_are_squared_in_float64() -> None:
    columns = numbers(logits=np.full((2, 1, 1), 1e30, dtype=np.float32)).columns(0, 25, "t", {})
    np.testing.assert_allclose(columns["logit_rms"], 1e30)
