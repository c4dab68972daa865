"""What the routes stand on: the database and the object store, made once by the composition root."""

from dataclasses import dataclass, field
from functools import cached_property
from threading import BoundedSemaphore
from typing import Annotated, cast

from anyio import CapacityLimiter
from fastapi import Depends, Request
from sqlalchemy import Engine

from service.db.arrow import ArrowDatabase
from service.objects import ObjectStore

TABLE_SLOTS = 8
QUERY_SLOTS = 4
WATCHER_THREADS = 4
ARCHIVISTS = 2


@dataclass(frozen=True)
class Backend:
    """Shared by all requests; every part is safe to use from several threads."""

    engine: Engine
    objects: ObjectStore
    version: str
    """Version of the service."""
    database: str
    """Host, port and name of the database, without secrets."""
    reader: ArrowDatabase | None = None
    """The database for the role that may only read results; without it there are no queries."""
    table_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(TABLE_SLOTS))
    """Result tables that may be read at once."""
    query_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(QUERY_SLOTS))
    """Queries that may run at once."""
    archivists: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(ARCHIVISTS))
    """Tables that may be written as Parquet at once: each keeps a core and a connection busy."""
    watchers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(WATCHER_THREADS))
    """Threads that watchers of progress share, so that many of them cannot take those of other requests."""

    @cached_property
    def rows(self) -> ArrowDatabase:
        """The same database as `engine`, for rows of result tables."""
        url = self.engine.url.render_as_string(hide_password=False)
        return ArrowDatabase(url, application="holonomy tables", kept=TABLE_SLOTS, connect_timeout_seconds=3)


def _backend(request: Request) -> Backend:
    return cast(Backend, request.app.state.backend)


Services = Annotated[Backend, Depends(_backend)]
