"""Firings that somebody asks for."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from schemas.schedules import BackfillRequest
from schemas.states import Origin
from service.errors import Conflict, Missing, Refused
from service.scheduler import by_hand, schedules
from tests.support.clockwork import at

NOON = at("2026-11-20 12:00")
DAY = timedelta(days=1)


def backfill(clockwork, start, end, **fields):
    request = BackfillRequest(start=at(start), end=at(end), **fields)
    return clockwork.call(by_hand.backfill, "nightly", request, now=NOON)


def test_a_trigger_fires_at_this_second_paused_or_not(clockwork) -> None:
    clockwork.create(NOON - DAY)
    clockwork.call(schedules.pause, "nightly", reason=None, now=NOON - DAY)
    now = NOON + timedelta(milliseconds=700)
    firing = clockwork.call(by_hand.trigger, "nightly", now=now)
    assert (firing.instant, firing.origin, firing.state) == (NOON, Origin.TRIGGER, "due")
    clockwork.tick(now)
    assert clockwork.states() == ["running"]
    with pytest.raises(Conflict, match="has a firing at this very second already: trigger it again in the next"):
        clockwork.call(by_hand.trigger, "nightly", now=now)
    with pytest.raises(Missing, match="there is no schedule 'daily'"):
        clockwork.call(by_hand.trigger, "daily", now=now)


def test_a_trigger_follows_the_overlap_policy_and_its_failures_do_not_count(clockwork) -> None:
    clockwork.create(NOON - DAY, max_failures=1)
    clockwork.call(by_hand.trigger, "nightly", now=NOON)
    clockwork.call(by_hand.trigger, "nightly", now=NOON + timedelta(seconds=1))
    clockwork.tick(NOON + timedelta(seconds=1))
    assert clockwork.states() == ["missed", "running", "skipped"]
    clockwork.end(clockwork.firings()[1].sweep_id, NOON + timedelta(minutes=1), "failed")
    clockwork.tick(NOON + timedelta(minutes=2))
    assert clockwork.states() == ["missed", "failed", "skipped"]
    assert clockwork.schedule().paused_at is None


def test_a_backfill_says_what_it_would_do_and_does_it_one_night_after_the_other(clockwork) -> None:
    clockwork.create(NOON, timezone="Europe/Berlin")
    asked = backfill(clockwork, "2026-11-01 00:00", "2026-11-04 00:00", dry_run=True)
    assert [night.isoformat() for night in asked.fired] == [f"2026-11-0{day}T02:30:00+01:00" for day in (1, 2, 3)]
    assert (asked.kept, asked.dry_run, clockwork.states()) == ((), True, [])
    backfill(clockwork, "2026-11-01 00:00", "2026-11-04 00:00")
    for ended in range(3):
        clockwork.tick(NOON)
        assert clockwork.states() == ["done"] * ended + ["running"] + ["waiting"] * (2 - ended)
        clockwork.end(clockwork.firings()[ended].sweep_id, NOON)
    clockwork.tick(NOON)
    assert {(firing.state, firing.origin) for firing in clockwork.firings()} == {("done", "backfill")}
    names = [row.name for row in clockwork.rows("select name from sweeps order by id")]
    assert names == [f"nightly 2026-11-0{day} 02:30" for day in (1, 2, 3)]


def test_what_fired_is_not_repeated_and_what_was_missed_or_skipped_is_made_up_for(clockwork) -> None:
    clockwork.create(NOON - 4 * DAY)
    clockwork.tick(NOON - 3 * DAY - timedelta(hours=9))
    clockwork.tick(at("2026-11-18 02:30"))
    clockwork.refusing = Refused("x", "x")
    clockwork.end(clockwork.firings()[0].sweep_id, NOON, "failed")
    clockwork.tick(at("2026-11-19 02:30"))
    clockwork.refusing = None
    clockwork.tick(NOON)
    assert clockwork.states() == ["failed", "skipped", "refused", "missed"]
    answer = backfill(clockwork, "2026-11-10 00:00", "2026-11-20 12:00")
    assert [(firing.instant, firing.state) for firing in answer.kept] == [(at("2026-11-17 02:30"), "failed")]
    assert [night.day for night in answer.fired] == [10, 11, 12, 13, 14, 15, 16, 18, 19, 20]
    clockwork.tick(NOON)
    assert clockwork.states() == ["running", *["waiting"] * 6, "failed", *["waiting"] * 3]
    assert clockwork.firings()[8].reason.startswith("waits for the firing of 2026-11-10 02:30 UTC (sweep ")
    assert backfill(clockwork, "2026-11-10 00:00", "2026-11-20 12:00").fired == ()


def test_the_end_is_not_part_of_it_and_the_start_is(clockwork) -> None:
    clockwork.create(NOON)
    answer = backfill(clockwork, "2026-11-18 02:30", "2026-11-19 02:30", dry_run=True)
    assert answer.fired == (at("2026-11-18 02:30"),)
    assert backfill(clockwork, "2026-11-18 02:30:00.5", "2026-11-19 02:30:00.5", dry_run=True).fired == (
        at("2026-11-19 02:30"),
    )
    assert answer.fired[0].tzinfo == ZoneInfo("UTC")


def test_the_future_and_too_much_of_the_past_are_refused(clockwork) -> None:
    clockwork.create(NOON, cron="*/5 * * * *")
    with pytest.raises(
        Refused, match="a backfill is of the past: expected an end until now, 2026-11-20 12:00:00 UTC"
    ):
        backfill(clockwork, "2026-11-20 00:00", "2026-11-20 12:01")
    with pytest.raises(Refused, match=r"has more than 1,000 instants .* begin with those before 2026-11-04T11:20:00"):
        backfill(clockwork, "2026-11-01 00:00", "2026-11-20 12:00")
    assert len(backfill(clockwork, "2026-11-01 00:00", "2026-11-04 11:20").fired) == 1_000
