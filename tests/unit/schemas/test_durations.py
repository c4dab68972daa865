import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.durations import LONGEST_SECONDS, duration_of, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("90m", 5_400),
        ("1h", 3_600),
        ("2d", 172_800),
        ("1h30m", 5_400),
        ("0", 0),
        ("0s", 0),
        ("366d", LONGEST_SECONDS),
    ],
)
def test_lengths_of_time(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1", "1x", "-1h", "1 h", "1.5h", "30m1h", "1h1h", "1h\n", "١h"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected a length of time such as 30s, 90m, 1h30m or 2d; came"):
        seconds_of(text)


def test_more_than_a_year_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at most a year, 366d; 9000h is 375 days"):
        seconds_of("9000h")


@given(st.integers(0, LONGEST_SECONDS))
def test_writing_and_reading_are_inverse(seconds: int) -> None:
    assert seconds_of(duration_of(seconds)) == seconds


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (90, "1m30s"), (5_400, "1h30m"), (172_800, "2d")])
def test_the_shortest_way_to_write_it(seconds: int, text: str) -> None:
    assert duration_of(seconds) == text
