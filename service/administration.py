"""What an operator does to a database directly: upgrade its schema, make a token. What goes wrong is one line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from schemas.api import NewToken, Scope
from service.db import migrate
from service.db.engine import connect, described
from service.errors import ServiceError
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
    with _faults(url):
        engine = connect(url)
        try:
            with engine.begin() as connection:
                return tokens.create(connection, name, scopes)
        finally:
            engine.dispose()


@contextmanager
def _faults(url: str) -> Iterator[None]:
    where = described(url)
    try:
        yield
    except SQLAlchemyError as error:
        raise ServiceError(f"{where}: {reason(error)}; `holonomy doctor` tells more") from None
