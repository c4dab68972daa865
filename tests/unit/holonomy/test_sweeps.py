"""Handles of sweeps: waiting, what went wrong, and rows with what was varied beside them."""

import io
import threading
import time

import polars
import pytest
from rich.console import Console

from holonomy import (
    Client,
    Diagnostic,
    Refused,
    Sweep,
    SweepCancelled,
    SweepFailed,
    SweepHandle,
    Training,
    Unreachable,
)
from holonomy.connection import Connection, Retries
from holonomy.follow import Deadline, Patience
from holonomy.sweep_follow import follow_sweep
from holonomy.sweep_progress import show_sweep_until_ended
from holonomy.transport import HttpTransport
from schemas.states import JobState
from tests.support.fake_service import TOKEN, Answer, FakeService, World

RATES = Sweep(base=Training(steps=5), axes={"optimizer.lr": [0.1, 0.2]}, seeds=2)


@pytest.fixture
def connection(service: FakeService) -> Connection:
    return Connection(HttpTransport(service.url, TOKEN), Retries(attempts=1))


def test_waiting_ends_with_the_last_job(client: Client, world: World) -> None:
    made = client.submit(RATES)
    for number in (1, 2, 3, 4):
        world.move(number, JobState.DONE)
    assert made.wait(progress=False) is made
    assert made.seen.state == "done"
    assert repr(made) == "<SweepHandle 1 of 4 jobs done>"


def test_a_failed_sweep_is_told_with_counts_and_the_worst_reason(client: Client, world: World) -> None:
    made = client.submit(RATES)
    for number in (1, 2):
        world.fail(number, "the loss is NaN")
    world.fail(3, "no dataset")
    world.move(4, JobState.DONE)
    with pytest.raises(
        SweepFailed, match=r"sweep 1 failed: of 4 jobs 1 done, 3 failed; 2 because the loss is NaN \(job 1, 2\)"
    ) as caught:
        made.wait(progress=False)
    assert caught.value.sweep.id == 1
    assert [(one.reason, one.count, one.jobs) for one in made.failures()] == [
        ("the loss is NaN", 2, (1, 2)),
        ("no dataset", 1, (3,)),
    ]


def test_a_cancelled_sweep_is_told(client: Client) -> None:
    made = client.submit(RATES)
    made.cancel()
    with pytest.raises(SweepCancelled, match="sweep 1 was cancelled: of 4 jobs 4 cancelled"):
        made.wait(progress=False)


def test_an_outage_is_waited_out_and_told(client: Client, connection: Connection, world: World) -> None:
    client.submit(Sweep(base=Diagnostic()))
    world.move(1, JobState.DONE)
    world.failures.extend([Answer(503, "away")] * 2)
    told = list[str]()
    seen = list(follow_sweep(connection, 1, Patience(poll_seconds=0.01), told.append))
    assert [one.state for one in seen] == ["done"]
    assert told == ["away [request req-1]"] * 2


def test_a_service_that_stays_away_is_given_up(client: Client, connection: Connection, world: World) -> None:
    client.submit(Sweep(base=Diagnostic()))
    world.failures.extend([Answer(503, "away")] * 20)
    with pytest.raises(Unreachable, match="away"):
        list(follow_sweep(connection, 1, Patience(outage_seconds=0.02, poll_seconds=0.01)))


def test_the_bar_counts_jobs_that_ended(client: Client, connection: Connection, world: World) -> None:
    client.submit(RATES)
    world.fail(1, "no")
    world.progress(2, 1, 4)

    file = io.StringIO()

    def finish() -> None:
        patience = Deadline(30.0)
        while "1/4 blocks" not in file.getvalue() and not patience.passed:
            time.sleep(0.01)
        for number in (2, 3, 4):
            world.move(number, JobState.DONE)

    thread = threading.Thread(target=finish)
    thread.start()
    out = Console(file=file, force_terminal=True, width=120)
    final = show_sweep_until_ended(connection, 1, Patience(Deadline(60.0), poll_seconds=0.02), out)
    thread.join()
    assert final.state == "failed"
    text = file.getvalue()
    assert "1/4 jobs" in text.replace("\x1b[32m", "").replace("\x1b[0m", "")
    assert "1 failed, 1 running, 2 queued, 1/4 blocks" in text
    assert "4/4" in text


def test_rows_come_with_what_was_varied(client: Client, world: World) -> None:
    made = client.submit(Sweep(base=Training(steps=5), axes={"optimizer.lr": [0.1, 0.2], "model.hidden": [[3], [4]]}))
    world.tables["across/checkpoints"] = polars.DataFrame({"job_id": [2, 1, 1], "step": [0, 0, 5]})
    rows = made.table("checkpoints", step=0)
    assert rows.columns == ["job_id", "optimizer.lr", "model.hidden", "step"]
    assert rows.rows() == [(2, 0.1, "[4]", 0), (1, 0.1, "[3]", 0)]
    assert any("/v1/tables/checkpoints?sweep=1" in request for request in world.requests)


def test_what_varies_is_a_frame_of_its_own(client: Client, world: World) -> None:
    made = client.submit(
        Sweep(base=Diagnostic(), points=({"blocks": 1}, {"seconds": 2}, {"blocks": 3, "seconds": 0.5}))
    )
    world.fail(2, "no")
    frame = made.varied()
    assert frame.columns == ["job_id", "blocks", "seconds", "position", "state"]
    assert frame.rows() == [(1, 1, None, 0, "queued"), (2, None, 2.0, 1, "failed"), (3, 3, 0.5, 2, "queued")]


def test_a_table_that_is_not_there_is_refused_before_it_is_asked_for(client: Client) -> None:
    with pytest.raises(Refused, match="there is no result table 'pears'; did you mean 'pairs'"):
        client.submit(RATES).table("pears")


def test_pages_are_followed_to_the_end(client: Client) -> None:
    made = client.submit(Sweep(base=Diagnostic(), axes={"blocks": list(range(1, 251))}))
    assert [one.position for one in made.jobs()] == list(range(250))
    assert len(list(client.jobs(sweep=made, limit=120))) == 120
    assert len(list(client.jobs(limit=230))) == 230


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda client: client.submit(Diagnostic(), max_running_jobs=3), "max_running_jobs is a limit of sweeps"),
        (lambda client: client.submit(RATES, priority=500), "priority: expected less than or equal to 100; came 500"),
        (lambda client: client.submit(RATES, project="a b"), "project: expected at most 100 letters"),
        (lambda client: client.preview(RATES, max_running_jobs=0), "max_running_jobs: expected greater"),
        (lambda client: list(client.jobs(sweep=1, kind="training")), "chosen by their state alone: leave kind"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(client: Client, call, message: str) -> None:
    with pytest.raises(Refused, match=message):
        call(client)


def test_a_submission_sent_twice_is_one(client: Client, world: World) -> None:
    made = client.submit(RATES)
    assert isinstance(made, SweepHandle)
    assert client.submit(RATES).id == made.id
    assert len(world.sweeps) == 1
