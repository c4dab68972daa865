"""Nights of a real schedule held against each other: which firings are taken, and what is said of the others."""

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from holonomy import Client, NotFound, Refused, Sweep, Training
from holonomy.cli.app import app
from holonomy.schedule import ScheduleHandle
from schemas.schedules import Firing
from service.queue.sweeps.ends import end_sweeps
from service.scheduler.queue import queue_of
from service.scheduler.tick import tick

SWEEP = Sweep(base=Training(steps=1), axes={"optimizer.lr": [0.1, 0.2]}, seeds=2)
LOSSES = text("""
    insert into checkpoints
        (job_id, step, train_loss, test_loss, train_accuracy, test_accuracy, parameter_norm, requested)
    values (:job, 1, 0.5, :loss, 0.5, 0.5, 1, true)
""")


@pytest.fixture
def client(api) -> Iterator[Client]:
    with Client(api.url, api.token("submit")) as made:
        yield made


@pytest.fixture
def nightly(client: Client) -> ScheduleHandle:
    """A schedule that nobody fires but the test."""
    name = f"nightly-{secrets.token_hex(4)}"
    templates = {"base.seed": "{day}00"}
    return client.schedules.create(
        name, cron="30 2 * * *", timezone="Europe/Berlin", sweep=SWEEP, templates=templates, overlap="allow"
    )


@pytest.fixture
def pass_night(api, worker, client: Client, nightly: ScheduleHandle) -> Callable[..., Firing]:
    """Fire a night of the past, run all its jobs, and let its end be seen."""
    engine = api.backend.engine

    def run(day: int, *, fail: bool = False) -> Firing:
        fired = nightly.backfill(f"2026-01-{day:02}", f"2026-01-{day + 1:02}").fired[0]
        tick(engine, datetime.now(UTC), queue_of("0"))
        sweep = client.sweep(nightly.firing(fired).sweep_id)
        for number, swept in enumerate(sweep.jobs()):
            if fail and number == 0:
                swept.job.cancel()
            else:
                worker.run(swept.job.id)
                with engine.begin() as connection:
                    connection.execute(LOSSES, {"job": swept.job.id, "loss": 0.5 + number % 2 / 10})
        with engine.begin() as connection:
            end_sweeps(connection)
        tick(engine, datetime.now(UTC), queue_of("0"))
        return nightly.firing(fired)

    return run


@pytest.fixture
def command(api, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("HOLONOMY_URL", api.url)
    monkeypatch.setenv("HOLONOMY_TOKEN", api.token("submit"))
    return lambda *arguments: CliRunner().invoke(app, ["compare", *map(str, arguments)])


def test_the_last_two_finished_nights_are_compared(nightly: ScheduleHandle, pass_night, command) -> None:
    with pytest.raises(Refused, match=rf"two finished firings are compared; schedule {nightly.name} has 0: wait for"):
        nightly.compare()
    assert [pass_night(day).state for day in (12, 13, 14)] == ["done"] * 3
    found = nightly.compare()
    assert (found.a, found.b) == (f"{nightly.name} 2026-01-13 02:30", f"{nightly.name} 2026-01-14 02:30")
    assert [dict(row.group) for row in found.rows] == [{"optimizer.lr": 0.1}, {"optimizer.lr": 0.2}]
    assert (found.changed, found.recipe, found.remarks) == (False, {}, ())
    done = command(nightly.name, "--json")
    assert (done.exit_code, json.loads(done.stdout)["a"]) == (0, found.a)


def test_nights_are_chosen_by_their_instants(nightly: ScheduleHandle, pass_night, command) -> None:
    for day in (12, 13):
        pass_night(day)
    found = nightly.compare(("2026-01-13T02:30", "2026-01-12T01:30+00:00"), threshold=0.1)
    assert (found.a, found.b) == (f"{nightly.name} 2026-01-13 02:30", f"{nightly.name} 2026-01-12 02:30")
    with pytest.raises(NotFound, match="has no firing at 2026-01-15"):
        nightly.compare(("2026-01-13T02:30", "2026-01-15T02:30"))
    chosen = command(nightly.name, "--instants", "2026-01-12T02:30", "2026-01-13T02:30")
    assert (chosen.exit_code, "no change in 2 comparisons" in chosen.stdout) == (0, True)
    assert command(nightly.name, "--instants", "2026-01-12", "2026-01-13").exit_code == 2


def test_what_has_not_finished_is_left_out_and_said(nightly: ScheduleHandle, pass_night, api) -> None:
    pass_night(12)
    cancelled = pass_night(13, fail=True)
    pass_night(14)
    running = nightly.trigger()
    tick(api.backend.engine, datetime.now(UTC), queue_of("0"))
    found = nightly.compare()
    assert (found.a[-16:], found.b[-16:]) == ("2026-01-12 02:30", "2026-01-14 02:30")
    assert cancelled.state == "cancelled"
    assert [remark.partition(", which is ")[2].partition(":")[0] for remark in found.remarks] == [
        "running",
        "cancelled",
    ]
    assert "which is cancelled: sweep" in found.report
    with pytest.raises(Refused, match=r"is not finished: 4 of 4 jobs have not ended"):
        nightly.compare((cancelled.instant, running.instant))


def test_an_instant_that_did_not_fire_has_nothing_to_compare(nightly: ScheduleHandle, pass_night) -> None:
    night = pass_night(12)
    due = nightly.trigger()
    with pytest.raises(Refused, match=r"is due and has no sweep"):
        nightly.compare((night.instant, due.instant))
