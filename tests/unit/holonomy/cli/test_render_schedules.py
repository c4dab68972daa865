"""Schedules and firings as a person sees them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holonomy.cli.render_schedules import firing_table, planned_table, schedule_table, schedule_text
from schemas.diagnostic import Diagnostic
from schemas.schedules import Firing, PlannedFiring, ScheduleDetail, Work
from tests.support.rendered import rendered

HOUR = timedelta(hours=1)


def firing(**changes: Any) -> Firing:
    instant = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    fields = {"instant": instant, "origin": "cron", "state": "done", "due_at": instant, "sweep_id": 7, "reason": None}
    return Firing(**{**fields, "fired_at": instant, "finished_at": instant + HOUR / 2, **changes})


def schedule(**changes: Any) -> ScheduleDetail:
    """A schedule; lengths of time among the changes are counted from now."""
    now = datetime.now(UTC)
    when = {"name": "nightly", "cron": "30 2 * * *", "timezone": "Europe/Berlin", "overlap": "skip", "catch_up": "1h"}
    made = {"id": 1, "created_by": "ada", "created_at": now, "updated_at": now, "work": Work(sweep=Diagnostic())}
    state = {"failures": 0, "paused_at": None, "pause_reason": None, "next_at": now + HOUR, "last": firing()}
    fields = {**when, "jitter": "0s", "max_failures": 3, **made, **state}
    moved = {name: now + value if isinstance(value, timedelta) else value for name, value in changes.items()}
    return ScheduleDetail(**{**fields, **moved})


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "on"),
        ({"failures": 2}, "2 failed in a row"),
        ({"paused_at": -3 * HOUR, "next_at": None, "pause_reason": "quiet"}, "paused 3 h ago: quiet"),
        ({"paused_at": -3 * HOUR, "next_at": None}, "paused 3 h ago"),
        ({"next_at": -3 * HOUR}, "late since 3 h ago: no scheduler looks"),
    ],
)
def test_where_a_schedule_stands(changes: dict[str, Any], state: str) -> None:
    assert state in rendered(schedule_table([schedule(**changes)]))
    assert f"state      {state}" in schedule_text(schedule(**changes))


def test_times_are_by_the_clock_of_the_schedule() -> None:
    shown = rendered(schedule_table([schedule()]))
    assert "2026-10-25 02:30+01:00 done" in shown
    assert "2026-10-25 02:30+01:00" in rendered(firing_table([firing()], "Europe/Berlin"))
    text = schedule_text(schedule(jitter="5m", max_failures=None))
    assert ("30 2 * * *  in Europe/Berlin" in text, "jitter     5m" in text, "never by itself" in text) == (True,) * 3
    assert "kind: diagnostic" in text


def test_a_firing_says_why_it_did_not_run() -> None:
    missed = firing(state="missed", sweep_id=None, fired_at=None, finished_at=None, reason="no [scheduler] ran")
    assert "no [scheduler] ran" in rendered(firing_table([missed], "UTC"))


def test_what_comes_has_a_column_for_every_template() -> None:
    instant = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
    planned = PlannedFiring(
        instant=instant,
        due_at=instant + HOUR / 60,
        label="nightly 2026",
        tags=("a", "b"),
        templated={"base.seed": 20261121},
    )
    shown = rendered(planned_table([planned, planned.model_copy(update={"due_at": None})]))
    for part in ("base.seed", "20261121", "02:31:00", "a, b", "nightly 2026"):
        assert part in shown
