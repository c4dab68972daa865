"""What is done next with a schedule's firings, by policy."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas.states import FiringState, Origin, Overlap
from service.scheduler.overlap import Pending, Step, next_step

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def firing(number: int, state: str = "due", origin: str = "cron", due_in: timedelta = timedelta()) -> Pending:
    """One whose instant lies `number` minutes after 11:30."""
    instant = NOW - HOUR / 2 + timedelta(minutes=number)
    sweep = 100 + number if state == "running" else None
    return Pending(number, instant, Origin(origin), FiringState(state), NOW + due_in, sweep)


def told(step: Step | None) -> tuple[object, ...] | None:
    return None if step is None else (step.firing.id, step.move)


def decide(overlap: str, *pending: Pending, paused: bool = False) -> tuple[object, ...] | None:
    return told(next_step(Overlap(overlap), pending, NOW, catch_up=HOUR, paused=paused))


@pytest.mark.parametrize("overlap", list(Overlap))
def test_the_first_due_fires_when_nothing_runs(overlap: str) -> None:
    assert decide(overlap, firing(1), firing(2)) == (1, "fire")
    assert decide(overlap, firing(1, due_in=HOUR)) is None
    assert decide(overlap) is None


def test_while_an_earlier_one_runs() -> None:
    running, due = firing(1, "running"), firing(2)
    assert decide("skip", running, due) == (2, "skip")
    assert decide("queue", running, due) == (2, "wait")
    assert decide("cancel-previous", running, due) == (1, "cancel")
    assert decide("allow", running, due) == (2, "fire")
    assert decide("queue", running, firing(2, "waiting"), firing(3, "waiting")) is None


def test_reasons_name_the_firing_in_the_way() -> None:
    step = next_step(Overlap.SKIP, [firing(1, "running"), firing(2)], NOW, catch_up=HOUR)
    assert step is not None
    assert step.reason == "the firing of 2026-11-21 11:31 UTC (sweep 101) still ran"


def test_a_queue_is_strictly_in_order() -> None:
    assert decide("queue", firing(1, "waiting"), firing(2)) == (1, "fire")
    jittered = firing(1, due_in=HOUR)
    assert decide("queue", jittered, firing(2)) == (2, "wait")
    assert decide("queue", jittered, firing(2, "waiting")) is None
    assert decide("allow", jittered, firing(2)) == (2, "fire")


def test_backfills_have_a_lane_of_their_own_and_wait_for_each_other() -> None:
    nights = [firing(1, "running", "backfill"), firing(2, origin="backfill")]
    for overlap in ("skip", "queue", "cancel-previous"):
        assert decide(overlap, *nights) == (2, "wait")
        assert decide(overlap, *nights, firing(3)) == (3, "fire")
        assert decide(overlap, firing(1, "running"), firing(2, origin="backfill")) == (2, "fire")
    assert decide("allow", *nights) == (2, "fire")


def test_what_could_not_fire_in_time_is_missed_unless_it_was_asked_for() -> None:
    late = -HOUR - timedelta(seconds=1)
    assert decide("skip", firing(1, "running"), firing(2, due_in=late)) == (2, "miss")
    assert decide("skip", firing(2, origin="trigger", due_in=late)) == (2, "fire")
    assert decide("skip", firing(2, origin="backfill", due_in=late)) == (2, "fire")
    assert decide("queue", firing(2, "waiting", due_in=late)) == (2, "fire")


def test_a_pause_holds_back_cron_instants_alone() -> None:
    assert decide("skip", firing(1), firing(2, "waiting"), paused=True) is None
    assert decide("skip", firing(1), firing(2, origin="trigger"), paused=True) == (2, "fire")
    assert decide("queue", firing(1), firing(2, origin="trigger"), paused=True) == (2, "fire")
    assert decide("skip", firing(1, "running"), firing(2, origin="trigger"), paused=True) == (2, "skip")
