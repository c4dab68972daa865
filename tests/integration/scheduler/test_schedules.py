"""Schedules are made, replaced, paused, resumed and deleted."""

from datetime import timedelta

import pytest

from schemas.data import Idx
from schemas.schedules import ScheduleRequest
from schemas.states import FiringState
from schemas.training import Training
from service.errors import Conflict, Missing, Refused
from service.scheduler import history, schedules
from service.scheduler.materialise import BATCH
from tests.support.clockwork import at

DAY = timedelta(days=1)
NOON = at("2026-11-20 12:00")


def test_a_schedule_begins_with_the_first_instant_after_it_was_made(clockwork) -> None:
    clockwork.create(NOON, timezone="Europe/Berlin", jitter="90s", tags=("a",))
    found = clockwork.schedule()
    assert (found.next_at, found.catch_up, found.jitter, found.last) == (at("2026-11-21 01:30"), "1h", "1m30s", None)
    assert found.work.tags == ("a",)
    clockwork.tick(NOON)
    assert clockwork.states() == []


def test_a_name_is_one_schedule(clockwork) -> None:
    clockwork.create(NOON)
    with pytest.raises(Conflict, match="there is a schedule 'nightly' already: replace it, or take another name"):
        clockwork.create(NOON)


def test_what_would_be_refused_at_night_is_refused_at_once(clockwork) -> None:
    with pytest.raises(Missing, match="no dataset"):
        clockwork.create(NOON, sweep=Training(steps=1, data=Idx(name="mnist")))
    with pytest.raises(
        Refused, match="with its templates filled in for 2026-11-21 02:30: seed: expected a whole number"
    ):
        clockwork.create(NOON, sweep=Training(steps=1), templates={"seed": "x{day}"})
    with pytest.raises(Missing, match="there is no schedule 'nightly'; `holonomy schedule list` shows all"):
        clockwork.schedule()


def test_replacing_keeps_the_history_and_a_pause(clockwork) -> None:
    request = clockwork.create(NOON)
    clockwork.tick(NOON + DAY)
    changed = request.model_copy(update={"cron": "0 6 * * *", "max_failures": None})
    replace = {"created_by": "other", "now": NOON + DAY}
    assert clockwork.call(schedules.replace, changed, **replace) is False
    found = clockwork.schedule()
    assert (found.cron, found.next_at, found.created_by) == ("0 6 * * *", at("2026-11-22 06:00"), "tester")
    assert found.last.instant == at("2026-11-21 02:30")
    clockwork.call(schedules.pause, "nightly", reason="moving house", now=NOON + DAY)
    clockwork.call(schedules.replace, request, **replace)
    assert (clockwork.schedule().next_at, clockwork.schedule().pause_reason) == (None, "moving house")
    other = request.model_copy(update={"name": "other"})
    assert clockwork.call(schedules.replace, other, **replace) is True


def test_instants_belong_to_what_the_schedule_was_when_they_came(clockwork) -> None:
    request = clockwork.create(NOON, catch_up="2d")
    later = NOON + 3 * DAY
    schedules.bring_up_to_date(clockwork.engine, "nightly", later)
    changed = request.model_copy(update={"cron": "0 6 * * *"})
    clockwork.call(schedules.replace, changed, created_by="tester", now=later)
    clockwork.tick(later)
    assert [(firing.instant.hour, firing.state) for firing in clockwork.firings()] == [
        (2, "missed"), (2, "running"), (2, "skipped"),
    ]  # fmt: skip


def test_what_passes_during_a_pause_neither_fires_nor_is_missed(clockwork) -> None:
    clockwork.create(NOON)
    clockwork.call(schedules.pause, "nightly", reason="quiet", now=NOON)
    found = clockwork.schedule()
    assert (found.paused_at, found.pause_reason, found.next_at) == (NOON, "quiet", None)
    clockwork.tick(NOON + 3 * DAY)
    clockwork.call(schedules.pause, "nightly", reason="still", now=NOON + DAY)
    assert clockwork.schedule().paused_at == NOON
    clockwork.call(schedules.resume, "nightly", now=NOON + 3 * DAY)
    clockwork.tick(at("2026-11-24 02:31"))
    assert [firing.instant for firing in clockwork.firings()] == [at("2026-11-24 02:30")]
    assert clockwork.schedule().paused_at is None


def test_resuming_what_is_not_paused_skips_nothing(clockwork) -> None:
    clockwork.create(NOON)
    clockwork.call(schedules.resume, "nightly", now=NOON + 3 * DAY)
    clockwork.tick(NOON + 3 * DAY)
    assert clockwork.states() == ["missed"] * 3


def test_deleting_frees_the_name_and_keeps_what_was(clockwork) -> None:
    clockwork.create(NOON, overlap="queue", catch_up="1d")
    clockwork.tick(at("2026-11-21 02:30"))
    clockwork.tick(at("2026-11-22 02:30"))
    assert clockwork.states() == ["running", "waiting"]
    clockwork.call(schedules.delete, "nightly", now=NOON + 2 * DAY)
    with pytest.raises(Missing, match="there is no schedule"):
        clockwork.call(schedules.delete, "nightly", now=NOON)
    running, waiting = clockwork.firings()
    assert (waiting.state, waiting.reason) == ("cancelled", "the schedule was deleted")
    clockwork.end(running.sweep_id, NOON + 2 * DAY)
    clockwork.tick(NOON + 9 * DAY)
    assert clockwork.states() == ["done", "cancelled"]
    clockwork.create(NOON + 9 * DAY)


def test_a_year_of_missed_minutes_is_many_small_transactions(clockwork) -> None:
    clockwork.create(NOON, cron="* * * * *", overlap="allow")
    done = clockwork.tick(NOON + 2 * DAY)
    assert done.considered == 2 * 24 * 60 > BATCH
    states = clockwork.states()
    assert len(states) == done.considered
    assert (states[:-61], states[-61:]) == (["missed"] * (len(states) - 61), ["running"] * 61)
    assert done.next_at == NOON + 2 * DAY + timedelta(minutes=1)


def test_schedules_and_their_histories_are_paged(clockwork) -> None:
    for name in ("a", "b", "c"):
        clockwork.create(NOON, name)
    clockwork.tick(NOON + 5 * DAY)
    first = clockwork.call(history.page, limit=2)
    rest = clockwork.call(history.page, cursor=int(first.next), limit=2)
    assert ([one.name for one in first.items], [one.name for one in rest.items], rest.next) == (
        ["a", "b"],
        ["c"],
        None,
    )
    newest = clockwork.call(history.firings, "a", limit=3)
    older = clockwork.call(history.firings, "a", cursor=int(newest.next), limit=3)
    assert [one.instant.day for one in (*newest.items, *older.items)] == [25, 24, 23, 22, 21]
    assert older.next is None
    assert clockwork.call(history.firings, "a", state=FiringState.DONE).items == ()
    with pytest.raises(Missing, match="schedule 'a' has no firing at 2026-11-20T12:00"):
        clockwork.call(history.firing, "a", NOON)
    assert clockwork.call(history.firing, "a", at("2026-11-21 02:30")) == older.items[-1]


def test_what_comes_is_shown_with_its_values(clockwork) -> None:
    fields = {"name": "n", "cron": "30 2 * * *", "timezone": "Europe/Berlin", "sweep": Training(steps=1)}
    request = ScheduleRequest(**fields, jitter="1h", templates={"seed": "{instant:%Y%m%d}"}, tags=("{day}",))
    planned = list(history.coming(7, request, NOON, 2))
    assert [one.instant.isoformat() for one in planned] == ["2026-11-21T02:30:00+01:00", "2026-11-22T02:30:00+01:00"]
    assert [one.templated for one in planned] == [{"seed": 20261121}, {"seed": 20261122}]
    assert (planned[0].label, planned[0].tags) == ("n 2026-11-21 02:30", ("20778",))
    assert all(timedelta() <= one.due_at - one.instant < timedelta(hours=1) for one in planned)
    assert next(history.coming(None, request, NOON, 1)).due_at is None
