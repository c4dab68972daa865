"""A year of schedules on a simulated clock: outages, slow sweeps, every policy; every instant is accounted for."""

import random
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCHEDULES = {
    "berlin": {"cron": "30 2 * * *", "timezone": "Europe/Berlin", "overlap": "skip", "catch_up": "6h"},
    "new-york": {"cron": "0 */8 * * *", "timezone": "America/New_York", "overlap": "queue", "catch_up": "12h"},
    "sydney": {
        "cron": "15,45 2 * * *",
        "timezone": "Australia/Sydney",
        "overlap": "cancel-previous",
        "jitter": "20m",
    },
    "lord-howe": {"cron": "45 1 * * *", "timezone": "Australia/Lord_Howe", "overlap": "allow", "catch_up": "1d"},
    "kolkata": {"cron": "0 0 * * 1-5", "timezone": "Asia/Kolkata", "overlap": "skip", "catch_up": "2h"},
}
SLOWEST_HOURS = {"berlin": 40, "new-york": 4, "sydney": 30, "lord-howe": 60, "kolkata": 30}


@pytest.fixture(scope="module")
def year():
    """A fixed course of ticks: a scheduler looks every few hours, and now and then none does for days."""
    draw, ticks, now = random.Random(20), [], START
    while now < END:
        gap = draw.uniform(24, 200) if draw.random() < 0.01 else draw.uniform(0.5, 5)
        now += gap * HOUR
        ticks.append(now)
    return draw, ticks


def test_every_instant_is_fired_skipped_or_missed_exactly_once(clockwork, year) -> None:
    draw, ticks = year
    for name, fields in SCHEDULES.items():
        clockwork.create(START, name, max_failures=None, tags=("{instant:%Y-%m-%dT%H:%M%z}",), **fields)
    names = {schedule.id: schedule.name for schedule in clockwork.rows("select id, name from schedules")}
    ends: dict[int, datetime] = {}
    for now in ticks:
        for sweep, end in [(sweep, end) for sweep, end in ends.items() if end <= now]:
            clockwork.end(sweep, end, draw.choice(["done", "done", "failed"]))
            del ends[sweep]
        clockwork.tick(now)
        for row in clockwork.rows("select schedule_id, sweep_id from firings where fired_at = :now", now=now):
            ends[row.sweep_id] = now + draw.uniform(0.1, SLOWEST_HOURS[names[row.schedule_id]]) * HOUR
    for name, fields in SCHEDULES.items():
        firings = clockwork.firings(name)
        zone = ZoneInfo(fields["timezone"])
        check_instants(firings, fields["cron"], zone, ticks)
        check_missed(clockwork.schedule(name), firings, ticks)
        check_overlap(fields["overlap"], firings)
        check_sweeps(clockwork, name, firings, zone)
        assert {"missed", "done"} <= {firing.state for firing in firings}
    assert clockwork.rows("select count(*) from sweeps")[0][0] == sum(
        firing.sweep_id is not None for name in SCHEDULES for firing in clockwork.firings(name)
    )


def check_instants(firings, cron, zone, ticks):
    """Exactly those that cronsim's own walk through the zone gives."""
    expected = []
    for instant in CronSim(cron, START.astimezone(zone)):
        if instant > ticks[-1]:
            break
        expected.append(instant.astimezone(UTC))
    assert [firing.instant for firing in firings] == expected


def check_missed(schedule, firings, ticks):
    """Missed are those that no scheduler saw, or could fire, within the window; all others are not."""
    window = timedelta(
        seconds={"6h": 21_600, "12h": 43_200, "1h": 3_600, "1d": 86_400, "2h": 7_200}[schedule.catch_up]
    )
    for firing in firings:
        seen = ticks[bisect_left(ticks, firing.instant)]
        able = ticks[min(bisect_left(ticks, firing.due_at), len(ticks) - 1)]
        late = seen - firing.instant > window or able - firing.due_at > window
        assert (firing.state == "missed") == late, firing
        if firing.state == "missed":
            assert "catch-up window" in firing.reason or "could not be fired within" in firing.reason


def check_overlap(overlap, firings):
    fired = [firing for firing in firings if firing.fired_at is not None]
    meets = [one for one, other in pairwise(fired) if one.finished_at is None or one.finished_at > other.fired_at]
    if overlap != "allow":
        assert not meets
    assert [firing.fired_at for firing in fired] == sorted(firing.fired_at for firing in fired)
    states = {firing.state for firing in firings}
    assert ("skipped" in states) == (overlap == "skip")
    assert ("cancelled" in states) == (overlap == "cancel-previous")
    if overlap == "allow":
        assert meets


def check_sweeps(clockwork, name, firings, zone):
    """Each fired one has a sweep of its own, named and tagged after its instant."""
    rows = clockwork.rows("select * from sweeps where submitted_by = :by order by id", by=f"schedule {name}")
    fired = {firing.sweep_id: firing for firing in firings if firing.sweep_id is not None}
    assert [row.id for row in rows] == sorted(fired)
    for row in rows:
        local = fired[row.id].instant.astimezone(zone)
        assert row.name == f"{name} {local:%Y-%m-%d %H:%M}"
        assert row.tags == [f"{local:%Y-%m-%dT%H:%M%z}"]
