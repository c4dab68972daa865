import pytest

from service.dispatcher.pace import Pace

KEY = ("digest", "kind")


def _paced(seconds: float, max_pack: int = 32) -> Pace:
    pace = Pace(max_pack)
    pace.observe(KEY, seconds)
    return pace


def test_blocks_of_unknown_length_go_one_by_one():
    pace = Pace(32)
    assert pace.expected(KEY) is None
    assert (pace.pack(KEY), pace.calls(KEY), pace.reserve(KEY)) == (1, 1, 0)


@pytest.mark.parametrize(
    ("seconds", "pack", "calls", "reserve"),
    [(60.0, 1, 1, 0), (1.0, 1, 1, 1), (0.05, 2, 2, 2), (0.01, 10, 2, 10), (1e-6, 32, 8, 256)],
)
def test_calls_last_about_a_tenth_of_a_second(seconds, pack, calls, reserve):
    pace = _paced(seconds)
    assert (pace.pack(KEY), pace.calls(KEY), pace.reserve(KEY)) == (pack, calls, reserve)


def test_one_block_per_call_when_asked():
    pace = _paced(1e-6, max_pack=1)
    assert (pace.pack(KEY), pace.calls(KEY)) == (1, 32)


def test_measurements_are_averaged():
    pace = _paced(1.0)
    pace.observe(KEY, 2.0)
    assert pace.expected(KEY) == pytest.approx(1.2)


def test_a_call_carries_something():
    with pytest.raises(ValueError, match="at least 1 block; came 0"):
        Pace(0)
