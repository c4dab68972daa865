import numpy as np
import pytest

from schemas.bracket_results import PAIRS, PERTURBATIONS
from workers.brackets.tiles.columns import PairNumbers, perturbation_columns, ratio
from workers.errors import UserFault

NONE = np.empty(0, dtype=np.int64)


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
        "recomputed": np.array([False, True]),
        "share_norm": np.array([2.5, 0.0]),
        "share_dot": np.array([10.0, 0.0]),
    }
    return PairNumbers(**(values | changed))


def test_columns_fill_the_table_and_follow_its_definitions() -> None:
    columns = numbers().columns(100, parameters=25, name="tiles/x", kept=np.array([1]))
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
    assert (first["gauss_newton_norm"], first["gauss_newton_cosine"]) == (2.5, 0.8)
    assert columns["recomputed"].tolist() == [False, True]
    assert (first["object"], first["position"]) == ("tiles/x", 0)
    np.testing.assert_array_equal(columns["kept_position"], [np.nan, 0])


def test_vanishing_gradients_give_no_division_by_zero() -> None:
    columns = numbers().columns(0, 25, "t", NONE)
    second = {name: values[1] for name, values in columns.items()}
    assert (second["cosine_i"], second["cosine_j"], second["defect"], second["gradient_cosine"]) == (0, 0, 0, 0)
    assert (second["cancellation"], second["gauss_newton_cosine"]) == (1, 0)


def test_without_gauss_newton_parts_their_columns_are_null() -> None:
    columns = numbers(share_norm=None, share_dot=None).columns(0, 25, "t", NONE)
    assert columns["gauss_newton_norm"] == [None, None]
    assert columns["gauss_newton_cosine"] == [None, None]


def test_finite_numbers_pass() -> None:
    numbers().check_finite(7)


@pytest.mark.parametrize(
    "changed",
    [
        {"squares": np.array([[9.0, 16.0], [np.nan, 0.0]])},
        {"square_ij": np.array([1.0, np.inf])},
        {"square_ji": np.array([1.0, np.inf])},
        {"share_norm": np.array([1.0, np.nan])},
    ],
    ids=lambda value: next(iter(value)),
)
def test_numbers_that_are_not_finite_name_their_examples(changed) -> None:
    with pytest.raises(UserFault, match=r"those of 1 pairs at step 7 are not, first examples \[\(3, 9\)\]"):
        numbers(**changed).check_finite(7)


def test_ratio() -> None:
    assert ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0]), where_zero=9.0).tolist() == [0.5, 9.0]


MOVED = np.array([[[3.0, -4.0]], [[0.0, 0.0]]], dtype=np.float32)  # 2 pairs, 1 test example, 2 outputs
PAIR = np.array([[3, 8], [3, 9]])


def test_perturbations_fill_their_table() -> None:
    columns = perturbation_columns(40, PAIR, MOVED, np.zeros((1, 2), dtype=np.float32), "perturbations/x")
    assert set(columns) == {column.name for column in PERTURBATIONS.columns}
    first = {name: values[0] for name, values in columns.items()}
    assert (first["step"], first["i"], first["j"], first["object"], first["position"]) == (
        40,
        3,
        8,
        "perturbations/x",
        0,
    )
    assert (first["logit_rms"], first["logit_max"]) == (pytest.approx(np.sqrt(12.5)), 4)
    assert first["norm_euclidean"] == pytest.approx(5)
    assert first["norm_softmax"] == pytest.approx(3.5)  # the deviation of 3 and −4 from their mean
    assert first["norm_bernoulli"] == pytest.approx(2.5)
    assert columns["norm_softmax"][1] == 0


def test_perturbations_that_are_not_finite_name_their_examples() -> None:
    with pytest.raises(UserFault, match=r"logit perturbations must be finite, those of 1 pairs .* \[\(3, 9\)\]"):
        perturbation_columns(7, PAIR, MOVED + np.array([0, np.nan])[:, None, None], np.zeros((1, 2)), "x")


def test_perturbations_are_squared_in_float64() -> None:
    moved = np.full((2, 1, 1), 1e30, dtype=np.float32)
    np.testing.assert_allclose(perturbation_columns(0, PAIR, moved, np.zeros((1, 1)), "x")["logit_rms"], 1e30)
