from datetime import UTC, datetime, timedelta

from service.scheduler.jitter import jitter_of

INSTANTS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(400)]


def test_it_is_drawn_once_for_each_instant_of_each_schedule() -> None:
    hour = timedelta(hours=1)
    drawn = [jitter_of(1, instant, hour) for instant in INSTANTS]
    assert drawn == [jitter_of(1, instant.astimezone(), hour) for instant in INSTANTS]
    assert drawn != [jitter_of(2, instant, hour) for instant in INSTANTS]
    assert all(timedelta() <= one < hour for one in drawn)
    # The mean of 400 uniform draws lies within 5 standard deviations, 60 min / √(12 · 400), of the middle.
    assert abs(sum(drawn, timedelta()) / len(drawn) - hour / 2) < timedelta(minutes=5 * 60 / (12 * 400) ** 0.5)


def test_without_jitter_there_is_none() -> None:
    assert {jitter_of(1, instant, timedelta()) for instant in INSTANTS} == {timedelta()}
