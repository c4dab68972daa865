"""Several schedulers at once, and schedulers that die in the middle: one firing and one sweep for every instant."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import psycopg2
import pytest

from schemas.diagnostic import Diagnostic
from service.scheduler import by_hand
from service.scheduler.queue import queue_of
from service.scheduler.tick import tick
from tests.support.clockwork import Clockwork, at

START = at("2026-03-28 00:00")
OVERLAPS = ("skip", "queue", "cancel-previous", "allow")


def check_one_sweep_each(clockwork: Clockwork, name: str) -> None:
    firings = clockwork.firings(name)
    assert len({firing.instant for firing in firings}) == len(firings)
    sweeps = clockwork.rows("select id from sweeps where submitted_by = :by order by id", by=f"schedule {name}")
    assert [row.id for row in sweeps] == sorted(firing.sweep_id for firing in firings if firing.sweep_id is not None)


def test_schedulers_that_race_fire_every_instant_once(clockwork: Clockwork) -> None:
    real = queue_of("0")
    for blocks, name in enumerate(OVERLAPS, start=1):
        clockwork.create(START, name, "*/10 * * * *", sweep=Diagnostic(blocks=blocks), overlap=name, catch_up="2d")

    def look(number: int) -> None:
        for hour in range(number % 2, 13, 2):
            tick(clockwork.engine, START + timedelta(hours=hour), real)

    with ThreadPoolExecutor(4) as schedulers:
        list(schedulers.map(look, range(4)))
    # Everybody is done: nobody was skipped for being held by somebody else.
    tick(clockwork.engine, START + timedelta(hours=12), real)
    for name in OVERLAPS:
        check_one_sweep_each(clockwork, name)
        instants = [firing.instant for firing in clockwork.firings(name)]
        assert len(instants) == 12 * 6
        assert {later - earlier for earlier, later in pairwise(instants)} == {timedelta(minutes=10)}
    assert clockwork.states("skip") == ["running"] + ["skipped"] * 71
    assert clockwork.states("queue") == ["running"] + ["waiting"] * 71
    assert clockwork.states("cancel-previous") == ["cancelled"] * 71 + ["running"]
    assert clockwork.states("allow") == ["running"] * 72


@pytest.fixture
def scheduler(postgres_url: str, tmp_path: Path) -> Iterator["Processes"]:
    processes = Processes(postgres_url, tmp_path / "scheduler.log")
    yield processes
    processes.end()


class Processes:
    """Scheduler processes on one database."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self.log = url, log
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "service.scheduler"]
            environment = {**os.environ, "HOLONOMY_DATABASE_URL": self.url}
            self.running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return self.running[-1]

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()

    @contextmanager
    def held(self, statement: str) -> Iterator[None]:
        """Hold the locks of a statement."""
        connection = psycopg2.connect(self.url)
        try:
            connection.cursor().execute(statement)
            yield
        finally:
            connection.close()


def wait_until(condition, what: str, seconds: float = 60.0):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return value


BLOCKED = """
    select 1 from pg_stat_activity where application_name like 'holonomy scheduler %' and wait_event_type = 'Lock'
"""


@pytest.mark.parametrize("table", ["firings", "sweep_jobs"])
def test_a_scheduler_killed_in_the_middle_of_a_firing_leaves_nothing_half_done(
    clockwork: Clockwork, scheduler: Processes, table: str
) -> None:
    """`firings`: its sweep is submitted, and not yet recorded. `sweep_jobs`: it is half submitted."""
    clockwork.create(datetime.now(UTC), overlap="allow")
    clockwork.call(by_hand.trigger, "nightly", now=datetime.now(UTC))
    lock = {"firings": "select from firings for update", "sweep_jobs": "lock table sweep_jobs in exclusive mode"}[
        table
    ]
    with scheduler.held(lock):
        first = scheduler.start()
        wait_until(lambda: clockwork.rows(BLOCKED), "the scheduler did not come to the lock")
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert clockwork.states() == ["due"]
    second = scheduler.start()
    wait_until(lambda: clockwork.states() == ["running"], "the other scheduler did not go on")
    check_one_sweep_each(clockwork, "nightly")
    assert len(clockwork.rows("select from sweep_jobs")) == len(clockwork.rows("select from jobs")) == 1
    second.send_signal(signal.SIGTERM)
    assert second.wait(10) == 0


def test_a_scheduler_outlasts_the_database_s_absence(clockwork: Clockwork, scheduler: Processes) -> None:
    clockwork.create(datetime.now(UTC))
    process = scheduler.start()
    session = "select pid from pg_stat_activity where application_name = :name"
    name = f"holonomy scheduler {process.pid}"
    wait_until(lambda: clockwork.rows(session, name=name), "it did not come")
    clockwork.rows("select pg_terminate_backend(pid) from pg_stat_activity where application_name = :name", name=name)
    clockwork.call(by_hand.trigger, "nightly", now=datetime.now(UTC))
    wait_until(lambda: clockwork.states() == ["running"], "it did not come back")
    assert process.poll() is None


def test_without_a_database_it_says_what_to_set(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOLONOMY_")}
    command = [sys.executable, "-m", "service.scheduler"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "set HOLONOMY_DATABASE_URL, or run `holonomy up`" in done.stderr
