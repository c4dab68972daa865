"""Canonical JSON: equal values have equal bytes, and nothing unrepresentable gets in."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.canonical import canonical_json, digest
from schemas.training import Training

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, max_size=6))
def test_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(backwards)
    assert json.loads(canonical_json(value)) == value


def test_defaults_are_written_out() -> None:
    assert digest(Training(steps=10)) == digest(Training(steps=10, batch_size=64, seed=0))
    assert digest(Training(steps=10)) != digest(Training(steps=10, seed=1))


def test_integers_given_for_floats_are_the_same_spec() -> None:
    whole = Training.model_validate({"steps": 5, "optimizer": {"kind": "sgd", "lr": 1}})
    point = Training.model_validate({"steps": 5, "optimizer": {"kind": "sgd", "lr": 1.0}})
    assert digest(whole) == digest(point)


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"lr": float("nan")})
