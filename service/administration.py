"""What an operator does to a database directly: upgrade it, make a token or credentials. Faults are one line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from schemas.api import NewToken, Scope
from service.db import migrate, reader
from service.db.engine import connect, described
from service.errors import Conflict, ServiceError
from service.queue import tokens


def reason(error: SQLAlchemyError) -> str:
    """The first line of what the database or its driver said, without the statement."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def upgraded(url: str) -> str:
    """Upgrade the database and say where it is and at which revision.

    Raises:
        ServiceError: it does not answer or refuses.
        ValueError: `url` does not name a Postgres database.
    """
    with _faults(url):
        return f"{described(url)} is at revision {migrate.upgrade(url)}"


def new_token(url: str, name: str, scopes: Sequence[Scope]) -> NewToken:
    """Make a token without having one: whoever may write to the database may.

    Raises:
        ServiceError: the database does not answer, or its schema is not there.
        ValueError: `url` does not name a Postgres database.
    """
    with _database(url) as connection:
        return tokens.create(connection, name, scopes)


def reader_credentials(url: str, password: str | None = None, *, rotate: bool = False) -> str:
    """Make the role that may only read results, and return the DSN for it.

    Args:
        url: the database, for its owner.
        password: the role's; None makes one, which Postgres cannot be asked for again.
        rotate: give a role that is there the new password, where `password` is None.

    Raises:
        Conflict: the role is there, and its password is not known here; or it cannot be made.
        ServiceError: the database does not answer or refuses.
        ValueError: `url` does not name a Postgres database.
    """
    role = reader.reader_role(url)
    with _database(url) as connection:
        if password is None and not rotate and reader.has_reader(connection, role):
            raise Conflict(
                "password_unknown",
                f"the role {role} is there, and Postgres does not tell passwords: set HOLONOMY_READER_DATABASE_URL "
                "to see them here, or make a new one with --rotate and set it wherever the old one is in use",
            )
        chosen = password or reader.new_password()
        reader.ensure_reader(connection, role, chosen)
    return reader.reader_url(url, chosen)


@contextmanager
def _database(url: str) -> Iterator[Connection]:
    """A transaction; what goes wrong in it is one line."""
    with _faults(url):
        engine = connect(url)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()


@contextmanager
def _faults(url: str) -> Iterator[None]:
    where = described(url)
    try:
        yield
    except SQLAlchemyError as error:
        raise ServiceError(f"{where}: {reason(error)}; `holonomy doctor` tells more") from None
