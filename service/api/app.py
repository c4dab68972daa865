"""The composition root: settings become a database engine, an object store, and an application around both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.metadata import version

from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError

from schemas.api import ServiceStatus
from service.api import description, faults
from service.api.backend import Backend
from service.api.context import RequestContext
from service.api.limits import BodyLimit
from service.api.metrics import QueueCollector, RequestMetrics
from service.api.parameters import plain_address
from service.api.routes import (
    arrays,
    datasets,
    health,
    imports,
    jobs,
    parquet,
    progress,
    projects,
    query,
    schedules,
    status,
    sweeps,
    tables,
    tokens,
)
from service.db.arrow import ArrowDatabase
from service.db.engine import connect, described
from service.objects import ObjectStore, store_settings
from service.settings import Settings

POOL_SIZE = 10


def app(settings: Settings) -> FastAPI:
    """The application. Nothing is connected before the first request.

    Raises:
        ValueError: the database or the bucket is not named, or not in a form that can be read.
    """
    if settings.database_url is None:
        raise ValueError("HOLONOMY_DATABASE_URL is not set: name the database, or let `holonomy up` start everything")
    url = settings.database_url.get_secret_value()
    engine = connect(
        url,
        application="holonomy api",
        pool_size=POOL_SIZE,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        # Here and below: someone waits for the answer, so a 503 after seconds is better than patience.
        connect_timeout_seconds=3,
        pool_timeout_seconds=5.0,
    )
    store = replace(store_settings(settings), connect_timeout_seconds=2.0, read_timeout_seconds=20.0, attempts=2)
    return build(Backend(engine, ObjectStore(store), version("holonomy"), described(url), reader=_reader(settings)))


def _reader(settings: Settings) -> ArrowDatabase | None:
    if settings.reader_database_url is None:
        return None
    url = settings.reader_database_url.get_secret_value()
    # Every query has a connection of its own: whatever it sets for its session ends with it.
    return ArrowDatabase(url, application="holonomy query", connect_timeout_seconds=3)


def build(backend: Backend) -> FastAPI:
    """The application on parts that are there already."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        backend.engine.dispose()
        backend.rows.close()

    application = FastAPI(
        title="Holonomy",
        version=backend.version,
        description=description.ABOUT,
        openapi_tags=description.TAGS,
        lifespan=lifespan,
        dependencies=[Depends(plain_address)],
        # The usual pages load their scripts from elsewhere; the document itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
    )
    application.state.backend = backend
    registry = CollectorRegistry()
    registry.register(QueueCollector(lambda: _status_or_none(backend)))
    for room in (
        jobs,
        sweeps,
        projects,
        progress,
        tables,
        parquet,
        arrays,
        datasets,
        imports,
        tokens,
        query,
        schedules,
    ):
        application.include_router(room.router)
    application.include_router(status.router)
    application.include_router(health.router(registry))
    faults.install(application)
    application.add_middleware(BodyLimit)
    application.add_middleware(RequestContext, metrics=RequestMetrics(registry))
    description.complete(application)
    return application


def _status_or_none(backend: Backend) -> ServiceStatus | None:
    try:
        return status.current(backend)
    except SQLAlchemyError:
        return None
