"""Lists that the service gives page by page."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from holonomy.connection import Connection
from schemas.api import Page

LONGEST = 100
P = TypeVar("P", bound=Page)


def pages(
    connection: Connection, path: str, page: type[P], query: Mapping[str, str | int | None], limit: int | None = None
) -> Iterator[P]:
    """Pages of a list, each fetched when it is asked for; together they hold at most `limit` items."""
    cursor: str | None = None
    left = limit
    while left is None or left > 0:
        size = LONGEST if left is None else min(LONGEST, left)
        found = connection.get(path, page, {**query, "cursor": cursor, "limit": size})
        yield found
        left = None if left is None else left - size
        cursor = found.next
        if cursor is None:
            return
