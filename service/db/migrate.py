"""Brings a database's schema up to this version."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from service.db.engine import connect

# Any constant will do; it must only be the same for every Holonomy that upgrades a database.
LOCK = 0x686F6C6F


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "service.db:migrations")
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """The revision that this version of the code needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise RuntimeError("the migrations are missing from this installation: install holonomy again")
    return revision


def current(connection: Connection) -> str | None:
    """The revision that a database is at; None before the first upgrade."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(url: str, revision: str = "head") -> str:
    """Upgrade the database and return the revision of this code. Of several at once, one works, the others wait."""
    with _migrating(url) as config:
        command.upgrade(config, revision)
    return head()


def downgrade(url: str, revision: str) -> None:
    """Take the database back to an earlier revision; what that has no place for is lost."""
    with _migrating(url) as config:
        command.downgrade(config, revision)


@contextmanager
def _migrating(url: str) -> Iterator[Config]:
    engine = connect(url, application="holonomy migrate", pool_size=1, statement_timeout_seconds=None)
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            config = _config()
            config.attributes["connection"] = connection
            yield config
    finally:
        engine.dispose()
