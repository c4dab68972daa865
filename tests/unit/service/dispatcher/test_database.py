"""Calls that outlast the database's absence."""

import psycopg2.errors
import pytest
from sqlalchemy.exc import OperationalError

from service.db.engine import connect
from service.dispatcher import database
from service.dispatcher.database import Database


@pytest.fixture
def away() -> Database:
    return Database(connect("postgresql://nobody@127.0.0.1:1/none", connect_timeout_seconds=1))


def test_an_absence_is_followed_by_a_time_of_recovery(away: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not away.recovering
    with pytest.raises(OperationalError):
        away.once(lambda: away.engine.connect())
    assert away.recovering
    away.once(lambda: None)
    assert away.recovering
    monkeypatch.setattr(database, "_RECOVERY_SECONDS", 0.0)
    assert not away.recovering


def test_statement_timeouts_are_borne_so_many_times(away: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_FIRST_PAUSE_SECONDS", 0.0)
    tries = 0

    def slow(*_: object) -> None:
        nonlocal tries
        tries += 1
        raise OperationalError("select", {}, psycopg2.errors.QueryCanceled())

    monkeypatch.setattr(away, "_in_transaction", slow)
    with pytest.raises(OperationalError):
        away.run(lambda connection: None, most_timeouts=3)
    assert tries == 3
