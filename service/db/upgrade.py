"""The upgrade of a database's schema as a command: what it says, and what goes wrong, in one line."""

from sqlalchemy.exc import SQLAlchemyError

from service.db import migrate
from service.db.engine import described
from service.errors import ServiceError


def reason(error: SQLAlchemyError) -> str:
    """The first line of what the database or its driver said, without the statement."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def upgraded(url: str) -> str:
    """Upgrade the database and say where it is and at which revision.

    Raises:
        ServiceError: it does not answer or refuses.
        ValueError: `url` does not name a Postgres database.
    """
    where = described(url)
    try:
        return f"{where} is at revision {migrate.upgrade(url)}"
    except SQLAlchemyError as error:
        raise ServiceError(f"{where}: {reason(error)}; `holonomy doctor` tells more") from None
