"""Pauses while something that blocks need is away."""

import pytest

from service.dispatcher import patience
from service.dispatcher.patience import LAST_PAUSE_SECONDS, Patience


def test_pauses_double_up_to_a_limit_and_end_with_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(patience.time, "monotonic", lambda: now)
    one = Patience()
    assert not one.waiting
    pauses = []
    for _ in range(7):
        one.away("the bucket")
        began = now
        now += 0.25
        one.away("the bucket")  # of the same absence
        while one.waiting:
            now += 0.25
        pauses.append(now - began)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, LAST_PAUSE_SECONDS, LAST_PAUSE_SECONDS]
    assert one.tried
    one.there()
    assert not one.tried
    one.away("the bucket")
    assert one.waiting
