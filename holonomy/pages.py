"""Lists that the service gives page by page."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from holonomy.connection import Connection
from schemas.api import Page

LONGEST = 100
P = TypeVar("P", bound=Page)


def pages(
    connection: Connection,
    path: str,
    page: type[P],
    query: Mapping[str, str | int | None],
    limit: int | None = None,
    *,
    longest: int = LONGEST,
) -> Iterator[P]:
    """Pages of a list, each fetched when it is asked for: of `longest` items, and at most `limit` together."""
    cursor: str | None = None
    left = limit
    while left is None or left > 0:
        size = longest if left is None else min(longest, left)
        found = connection.get(path, page, {**query, "cursor": cursor, "limit": size})
        yield found
        left = None if left is None else left - size
        cursor = found.next
        if cursor is None:
            return
