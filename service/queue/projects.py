"""Projects: labels of jobs and sweeps that can limit how many of them run at once."""

from sqlalchemy import Connection, text

_MAKE = text("insert into projects (name) values (:name) on conflict (name) do nothing")


def make_project(connection: Connection, name: str) -> None:
    """Make a project without limits, unless it is there."""
    connection.execute(_MAKE, {"name": name})
