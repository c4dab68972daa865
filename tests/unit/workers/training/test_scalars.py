import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import UserFault
from workers.training.scalars import decode, encode


@given(st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False)))
def test_plain_values_come_back_with_their_type(value: object) -> None:
    name, back = decode(*encode("optimizer/state/w/key", value))
    assert name == "optimizer/state/w/key"
    assert type(back) is type(value)
    assert back == value


def test_tensors_are_copied() -> None:
    tensor = torch.ones(2)
    name, stored = encode("a", tensor)
    tensor.zero_()
    assert decode(name, stored)[1].tolist() == [1, 1]


@pytest.mark.parametrize("value", [{"a": 1}, 2**63, "text"], ids=["dict", "huge", "text"])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(UserFault, match=r"state 'a' is a .*, which cannot be stored"):
        encode("a", value)


def test_names_with_a_mark_of_their_own_are_refused() -> None:
    with pytest.raises(UserFault, match="'a:int' cannot be stored: names must not hold a colon"):
        encode("a:int", 1)
