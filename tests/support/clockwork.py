"""Schedules on a real database with a clock of the test's own; sweeps end when the test says so."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from schemas.diagnostic import Diagnostic
from schemas.schedules import ScheduleRequest
from schemas.sweep_bodies import SweepSubmission
from service.scheduler import history, schedules
from service.scheduler.sweeps import Sweeps
from service.scheduler.tick import Tick, tick
from tests.support.dispatching import Queue

_SWEEP = text("""
    insert into sweeps (digest, latest, name, tags, spec, jobs_total, submitted_by, version)
    values (md5(random()::text), false, :name, cast(:tags as text[]), cast(:spec as jsonb), 1, :by, '0') returning id
""")


class Clockwork:
    """One call per step; `now` is what the test says, and nothing else has a clock."""

    def __init__(self, queue: Queue) -> None:
        self.engine = queue.engine
        self.rows = queue.all
        self.refusing: Exception | None = None
        self.sweeps = Sweeps(self._submit, self._cancel)

    def _submit(self, connection: Connection, submission: SweepSubmission, submitted_by: str) -> int:
        if self.refusing is not None:
            raise self.refusing
        spec = submission.sweep.model_dump_json()
        values = {"name": submission.name, "tags": list(submission.tags), "spec": spec, "by": submitted_by}
        return connection.execute(_SWEEP, values).scalar_one()

    def _cancel(self, connection: Connection, sweep_id: int) -> None:
        connection.execute(text("update sweeps set state = 'cancelling' where id = :sweep"), {"sweep": sweep_id})

    def create(
        self, now: datetime, name: str = "nightly", cron: str = "30 2 * * *", **fields: Any
    ) -> ScheduleRequest:
        request = ScheduleRequest(**{"name": name, "cron": cron, "sweep": Diagnostic(blocks=1), **fields})
        with self.engine.begin() as connection:
            schedules.create(connection, request, created_by="tester", now=now)
        return request

    def call(self, function: Any, *arguments: Any, **fields: Any) -> Any:
        """A function of the scheduler in a transaction."""
        with self.engine.begin() as connection:
            return function(connection, *arguments, **fields)

    def tick(self, now: datetime) -> Tick:
        return tick(self.engine, now, self.sweeps)

    def end(self, sweep_id: int, now: datetime, state: str = "done") -> None:
        statement = "update sweeps set state = :state, finished_at = :now where id = :sweep"
        with self.engine.begin() as connection:
            connection.execute(text(statement), {"sweep": sweep_id, "state": state, "now": now})

    def schedule(self, name: str = "nightly") -> Any:
        return self.call(history.schedule, name)

    def firings(self, name: str = "nightly") -> list[Any]:
        """Firings in order of instants."""
        return self.rows(
            "select f.* from firings f join schedules s on s.id = schedule_id where s.name = :name order by instant",
            name=name,
        )

    def states(self, name: str = "nightly") -> list[str]:
        return [firing.state for firing in self.firings(name)]


def at(text: str) -> datetime:
    """A moment in UTC, as `2026-11-21 02:30`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
