"""A dispatcher process over real servers, and what tests ask of its database."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psycopg2
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from schemas.jobs import JobSpec, Submission
from service.db.engine import connect
from service.db.migrate import upgrade
from service.embedded.postgres import DATABASE, Postgres
from service.queue.submit import submit


@contextmanager
def database(server: Postgres) -> Iterator[str]:
    """The address of a fresh, empty database, dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    _administer(server, f"create database {name}")
    try:
        yield server.url.removesuffix(DATABASE) + name
    finally:
        _administer(server, f"drop database {name} with (force)")


def _administer(server: Postgres, statement: str) -> None:
    with closing(psycopg2.connect(server.url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


@dataclass
class Dispatchers:
    """Starts dispatcher processes with one environment, and ends those it started."""

    environment: Mapping[str, str]
    log: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, **settings: str) -> subprocess.Popen[bytes]:
        """One more dispatcher; `settings` are further environment variables."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "service.dispatcher"],
                env={**os.environ, **self.environment, **settings},
                stdout=log,
                stderr=log,
            )
        self.running.append(process)
        return process

    @classmethod
    @contextmanager
    def of(cls, database_url: str, environment: Mapping[str, str], folder: Path) -> Iterator[Self]:
        """For one database, with short leases; ended afterwards."""
        settings = {
            "HOLONOMY_DATABASE_URL": database_url,
            "HOLONOMY_LEASE_SECONDS": "6",
            "HOLONOMY_GRACE_SECONDS": "3",
        }
        started = cls({**environment, **settings}, folder / "dispatcher.log")
        try:
            yield started
        finally:
            started.end()

    def end(self) -> None:
        """SIGTERM to all, SIGKILL to those that do not follow."""
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass
class Queue:
    """Jobs of one database."""

    engine: Engine

    @classmethod
    @contextmanager
    def at(cls, url: str) -> Iterator[Self]:
        """The database at `url`, brought to the newest schema."""
        upgrade(url)
        engine = connect(url, application="test")
        try:
            yield cls(engine)
        finally:
            engine.dispose()

    def submit(self, spec: JobSpec, **arguments: Any) -> int:
        """The number of a new job."""
        with self.engine.begin() as connection:
            submission = Submission(spec=spec, **{"fresh": True, **arguments})
            job, _ = submit(connection, submission, submitted_by="test", version="test")
        return int(job)

    def all(self, query: str, **values: Any) -> list[Any]:
        """Rows of a query."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), values))

    def job(self, job: int) -> Any:
        """A job's row."""
        return self.all("select * from jobs where id = :job", job=job)[0]

    def blocks(self, job: int) -> list[Any]:
        """A job's blocks in order."""
        return self.all("select * from blocks where job_id = :job order by seq", job=job)

    def wait(self, what: Callable[[], Any], seconds: float = 120.0) -> Any:
        """The first true value of `what`; the database may be away meanwhile."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                value = what()
            except DBAPIError:
                value = None
            if value:
                return value
            if time.monotonic() > deadline:
                raise TimeoutError(f"still waiting after {seconds:g} s; jobs: {self._states()}")
            time.sleep(0.05)

    def finished(self, job: int, seconds: float = 120.0) -> str:
        """The state in which a job ends."""
        self.wait(lambda: self.job(job).state in ("done", "failed", "cancelled"), seconds)
        return str(self.job(job).state)

    def done(self, job: int, seconds: float = 120.0) -> None:
        """Return once a job is done."""
        state = self.finished(job, seconds)
        assert state == "done", f"job {job} is {state}: {self.job(job).reason}"

    def running(self, job: int) -> list[Any]:
        """Blocks of a job that run now."""
        return [block for block in self.blocks(job) if block.state == "running"]

    def _states(self) -> list[tuple[int, str, str | None]]:
        return [(row.id, row.state, row.reason) for row in self.all("select id, state, reason from jobs")]
