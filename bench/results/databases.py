"""A private Postgres and bucket for benches of the results database."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from bench.servers import BUCKET, stores
from service.db.engine import connect
from service.db.migrate import upgrade
from service.objects import ObjectStore
from workers.runtime.store import StoreSettings


@dataclass(frozen=True)
class Store:
    """A database at the newest schema, and a bucket."""

    url: str
    engine: Engine
    objects: ObjectStore


@contextmanager
def store() -> Iterator[Store]:
    """Both servers, ready; everything is gone afterwards. The environment names the S3 server."""
    with ExitStack() as stack:
        _, postgres, _ = stores(stack)
        objects = ObjectStore(StoreSettings(bucket=BUCKET))
        objects.create_bucket()
        upgrade(postgres.url)
        engine = connect(postgres.url, application="bench", statement_timeout_seconds=None)
        stack.callback(engine.dispose)
        yield Store(postgres.url, engine, objects)
