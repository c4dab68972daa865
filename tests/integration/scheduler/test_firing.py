"""Due firings fire in transactions of their own; what fails pauses the schedule in the end."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, OperationalError

from schemas.mistakes import InvalidSpec
from service.errors import Refused
from service.queue.sweeps.ends import end_sweeps
from service.queue.sweeps.stop import cancel_sweep, retry_sweep
from service.scheduler import schedules
from service.scheduler.queue import queue_of
from service.scheduler.streaks import COUNTED
from service.scheduler.sweeps import Sweeps
from service.scheduler.tick import tick
from tests.support.clockwork import at

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHT = at("2026-11-21 02:30")


def nights(clockwork, states, **fields):
    """A night for each state in which its sweep ends; `refused` ones are not accepted."""
    clockwork.create(NIGHT - HOUR, **fields)
    for day, state in enumerate(states):
        clockwork.refusing = Refused("too_large", "it needs 2 TB") if state == "refused" else None
        clockwork.tick(NIGHT + day * DAY)
        sweep = clockwork.firings()[-1].sweep_id
        if sweep is not None:
            clockwork.end(sweep, NIGHT + day * DAY + HOUR, state)
    clockwork.tick(NIGHT + (len(states) - 1) * DAY + 2 * HOUR)
    return clockwork.schedule()


def test_a_firing_has_the_sweep_of_its_instant(clockwork) -> None:
    clockwork.create(NIGHT - HOUR, timezone="Asia/Kolkata", cron="0 8 * * *", templates={"blocks": "{instant:%H}"})
    done = clockwork.tick(NIGHT + HOUR / 2)
    assert (done.considered, done.moved, done.next_at) == (1, 1, NIGHT + DAY)
    firing = clockwork.firings()[0]
    assert (firing.state, firing.fired_at, firing.origin) == ("running", NIGHT + HOUR / 2, "cron")
    sweep = clockwork.rows("select * from sweeps")[0]
    assert (sweep.id, sweep.name, sweep.submitted_by) == (
        firing.sweep_id,
        "nightly 2026-11-21 08:00",
        "schedule nightly",
    )
    assert sweep.spec["base"]["blocks"] == 8
    clockwork.end(firing.sweep_id, NIGHT + HOUR)
    clockwork.tick(NIGHT + 2 * HOUR)
    assert (clockwork.firings()[0].state, clockwork.firings()[0].finished_at) == ("done", NIGHT + HOUR)


def test_jitter_delays_and_the_tick_says_until_when(clockwork) -> None:
    clockwork.create(NIGHT - HOUR, jitter="50m")
    due = (waiting := clockwork.tick(NIGHT)).next_at
    assert clockwork.states() == ["due"]
    assert (waiting.moved, NIGHT < due < NIGHT + HOUR) == (0, True)
    clockwork.tick(due - timedelta(milliseconds=1))
    assert clockwork.states() == ["due"]
    clockwork.tick(due)
    assert clockwork.states() == ["running"]


def test_what_was_due_when_the_scheduler_went_away_is_missed_once_it_is_too_late(clockwork) -> None:
    clockwork.create(NIGHT - HOUR, jitter="50m", catch_up="1h")
    clockwork.tick(NIGHT)
    clockwork.tick(NIGHT + 3 * HOUR)
    missed = clockwork.firings()[0]
    assert missed.state == "missed"
    assert missed.reason.startswith("could not be fired within 1h of 2026-11-21 0")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Refused("too_large", "it needs 2 TB"), "it needs 2 TB"),
        (InvalidSpec("seed: expected a whole number"), "seed: expected a whole number"),
        (ZeroDivisionError("division by zero"), "it could not be fired: division by zero"),
    ],
)
def test_a_sweep_that_is_not_accepted_leaves_its_reason_and_holds_up_nothing(clockwork, error, reason) -> None:
    clockwork.create(NIGHT - HOUR)
    clockwork.refusing = error
    clockwork.tick(NIGHT)
    refused = clockwork.firings()[0]
    assert (refused.state, refused.reason, refused.sweep_id, refused.finished_at) == ("refused", reason, None, NIGHT)
    assert clockwork.schedule().failures == 1
    clockwork.refusing = None
    clockwork.tick(NIGHT + DAY)
    assert clockwork.states() == ["refused", "running"]


def test_when_the_database_fails_nothing_is_decided(clockwork) -> None:
    clockwork.create(NIGHT - HOUR)
    clockwork.refusing = OperationalError("insert", {}, Exception("away"))
    with pytest.raises(OperationalError, match="away"):
        clockwork.tick(NIGHT)
    assert clockwork.states() == ["due"]


def test_a_sweep_that_the_database_refuses_holds_up_no_other_schedule(clockwork) -> None:
    clockwork.create(NIGHT - HOUR, "bad")
    clockwork.create(NIGHT - HOUR, "good")

    def submit(connection, submission, submitted_by):
        if submitted_by == "schedule bad":
            connection.execute(text("select 1 / 0"))
        return clockwork.sweeps.submit(connection, submission, submitted_by)

    for _ in range(2):
        with pytest.raises(DataError, match="division by zero"):
            tick(clockwork.engine, NIGHT, Sweeps(submit, clockwork.sweeps.cancel))
        assert (clockwork.states("bad"), clockwork.states("good")) == (["due"], ["running"])


def test_cancelling_for_the_next_tells_both(clockwork) -> None:
    clockwork.create(NIGHT - HOUR, overlap="cancel-previous")
    clockwork.tick(NIGHT)
    clockwork.tick(NIGHT + DAY)
    first, second = clockwork.firings()
    assert (first.state, first.reason) == ("cancelled", "cancelled for the firing of 2026-11-22 02:30 UTC")
    assert second.state == "running"
    states = {row.id: row.state for row in clockwork.rows("select id, state from sweeps")}
    assert states == {first.sweep_id: "cancelling", second.sweep_id: "running"}


@pytest.mark.parametrize(
    ("states", "failures", "paused"),
    [
        (["failed", "failed"], 2, None),
        (["failed", "refused", "failed"], 3, "3 firings in a row failed"),
        (["refused", "refused", "refused"], 3, "3 firings in a row failed"),
        (["failed", "failed", "done", "failed"], 1, None),
        (["failed", "cancelled", "failed"], 2, None),
        (["failed", "failed", "cancelled", "failed"], 3, "3 firings in a row failed"),
    ],
)
def test_failures_in_a_row_pause_the_schedule(clockwork, states, failures, paused) -> None:
    found = nights(clockwork, states)
    assert (found.failures, found.pause_reason) == (failures, paused)
    assert (found.next_at is None) == (found.paused_at is not None) == (paused is not None)
    assert clockwork.states() == states


def test_one_failure_may_be_enough_and_none_too_many(clockwork) -> None:
    assert nights(clockwork, ["failed"], max_failures=1).pause_reason == "one firing failed"


def test_without_a_limit_failures_are_only_counted(clockwork) -> None:
    found = nights(clockwork, ["failed"] * 5, max_failures=None)
    assert (found.failures, found.paused_at) == (5, None)
    assert COUNTED > 5


def test_failures_count_along_instants_not_along_ends(clockwork) -> None:
    clockwork.create(NIGHT - HOUR, overlap="allow", max_failures=2)
    for day in range(3):
        clockwork.tick(NIGHT + day * DAY)
    first, second, third = (firing.sweep_id for firing in clockwork.firings())
    clockwork.end(third, NIGHT + 3 * HOUR + 2 * DAY, "failed")
    clockwork.tick(NIGHT + 4 * HOUR + 2 * DAY)
    clockwork.end(first, NIGHT + 5 * HOUR + 2 * DAY, "failed")
    clockwork.end(second, NIGHT + 5 * HOUR + 2 * DAY, "done")
    clockwork.tick(NIGHT + 6 * HOUR + 2 * DAY)
    assert (clockwork.schedule().failures, clockwork.schedule().paused_at) == (1, None)


def test_resuming_forgets_the_failures_of_before(clockwork) -> None:
    nights(clockwork, ["failed"] * 3)
    now = NIGHT + 2 * DAY + 3 * HOUR
    clockwork.call(schedules.resume, "nightly", now=now)
    assert clockwork.schedule().failures == 0
    clockwork.tick(NIGHT + 3 * DAY)
    clockwork.end(clockwork.firings()[-1].sweep_id, NIGHT + 3 * DAY + HOUR, "failed")
    clockwork.tick(NIGHT + 3 * DAY + 2 * HOUR)
    assert (clockwork.schedule().failures, clockwork.schedule().paused_at) == (1, None)


def test_a_firing_whose_sweep_is_retried_goes_on(clockwork) -> None:
    clockwork.create(NIGHT - HOUR, overlap="skip")
    tick(clockwork.engine, NIGHT, queue_of("0"))
    sweep = clockwork.firings()[0].sweep_id
    with clockwork.engine.begin() as connection:
        cancel_sweep(connection, sweep)
        end_sweeps(connection)
    clockwork.tick(NIGHT + HOUR)
    assert clockwork.states() == ["cancelled"]
    with clockwork.engine.begin() as connection:
        retry_sweep(connection, sweep)
    running = clockwork.firings()[0]
    assert (running.state, running.finished_at, running.reason) == ("running", None, None)
    clockwork.tick(NIGHT + DAY)
    assert clockwork.states() == ["running", "skipped"]
    clockwork.end(sweep, NIGHT + DAY)
    clockwork.tick(NIGHT + DAY + HOUR)
    assert clockwork.states() == ["done", "skipped"]
