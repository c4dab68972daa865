"""A private Postgres, or a private Postgres and bucket, for benches of the results database."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from bench.servers import BUCKET, up
from service.db.engine import connect
from service.db.migrate import upgrade
from service.embedded import seaweedfs
from service.embedded.ports import free_port
from service.embedded.postgres import Postgres
from service.embedded.seaweedfs import SeaweedFS
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
    folder = Path(tempfile.mkdtemp(prefix="holonomy-bench-", dir="/tmp"))
    folder.chmod(0o711)
    (folder / "secrets").mkdir(mode=0o700)
    scope = str(folder)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres = Postgres(
            folder / "postgres", free_port(), secrets.token_hex(8), scope=scope, log=folder / "postgres.log"
        )
        up(stack, postgres)
        identity = folder / "secrets" / "s3.json"
        s3 = SeaweedFS(
            folder / "seaweedfs", seaweedfs.free_ports(), identity, scope=scope, log=folder / "seaweedfs.log"
        )
        up(stack, s3)
        os.environ.update({**s3.environment, "HOLONOMY_S3_BUCKET": BUCKET})
        objects = ObjectStore(StoreSettings(bucket=BUCKET))
        objects.create_bucket()
        upgrade(postgres.url)
        engine = connect(postgres.url, application="bench", statement_timeout_seconds=None)
        stack.callback(engine.dispose)
        yield Store(postgres.url, engine, objects)
