"""Ranges of bytes, as asked for in headers."""

from types import SimpleNamespace

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from service.api.problems import ProblemError
from service.api.ranges import asked

STORED = SimpleNamespace(key="k", sha256="a" * 64, size_bytes=100)


def request(**headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "headers": named})


@given(first=st.integers(0, 99), more=st.integers(0, 200))
def test_a_range_ends_with_the_object(first: int, more: int) -> None:
    assert asked(request(range=f"bytes={first}-{first + more}"), STORED) == (first, min(100, first + more + 1))
    assert asked(request(range=f"bytes={first}-"), STORED) == (first, 100)


@given(last=st.integers(1, 300))
def test_a_suffix_is_counted_from_the_end(last: int) -> None:
    assert asked(request(range=f"bytes=-{last}"), STORED) == (max(0, 100 - last), 100)


@pytest.mark.parametrize("text", ["", "bytes=-", "bytes=9-3", "bytes=1-2,4-5", "items=1-2", "bytes=x-2", "bytes 1-2"])
def test_what_is_no_single_range_asks_for_all(text: str) -> None:
    assert asked(request(range=text), STORED) is None


def test_a_condition_on_other_bytes_asks_for_all() -> None:
    assert asked(request(range="bytes=0-1", if_range='"b"'), STORED) is None
    assert asked(request(range="bytes=0-1", if_range=f'"{"a" * 64}"'), STORED) == (0, 2)


@pytest.mark.parametrize("text", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(text: str) -> None:
    with pytest.raises(ProblemError, match="begins beyond them") as error:
        asked(request(range=text), STORED)
    assert error.value.status_code == 416
