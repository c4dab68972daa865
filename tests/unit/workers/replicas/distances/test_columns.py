import numpy as np

from workers.replicas.distances.columns import nullable, quotient


def test_quotients_need_something_above_zero_below() -> None:
    found = quotient(np.array([1.0, 2.0, 3.0, 0.0]), np.array([2.0, 0.0, np.nan, -1.0]))
    np.testing.assert_array_equal(found, [0.5, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(quotient(np.array([1.0, 3.0]), 2.0), [0.5, 1.5])


def test_what_is_not_finite_becomes_none() -> None:
    found = nullable({"fine": np.array([1.0, 2.0]), "strange": np.array([np.nan, 2.0, np.inf, -np.inf])})
    assert found["fine"].dtype == np.float64
    assert found["strange"].tolist() == [None, 2.0, None, None]
