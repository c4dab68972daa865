"""What the routes stand on: the database and the object store, made once by the composition root."""

from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Annotated, cast

from anyio import CapacityLimiter
from fastapi import Depends, Request
from sqlalchemy import Engine

from service.db.arrow import ArrowDatabase
from service.objects import ObjectStore

CURSOR_SLOTS = 8
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
    arrow: ArrowDatabase
    """The same database, for rows by the million."""
    cursor_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(CURSOR_SLOTS))
    """Result tables that may be read at once; well below the number of database connections."""
    archivists: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(ARCHIVISTS))
    """Tables that may be written as Parquet at once: each keeps a core and a connection busy."""
    watchers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(WATCHER_THREADS))
    """Threads that watchers of progress share, so that many of them cannot take those of other requests."""


def _backend(request: Request) -> Backend:
    return cast(Backend, request.app.state.backend)


Services = Annotated[Backend, Depends(_backend)]
