"""What an operator does to database and bucket directly; what goes wrong is one line."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from schemas.retention import Checked, Collected, Retention
from service.administration import reason
from service.db.engine import connect, described
from service.errors import ServiceError
from service.objects import ObjectStore, Unavailable, object_store
from service.retention.fsck import fsck
from service.retention.gc import gc
from service.settings import Settings

STATEMENT_SECONDS = 3_600.0
"""Longest a statement may take: some go through every object there is."""


@dataclass(frozen=True)
class Operation:
    """Database and bucket."""

    engine: Engine
    store: ObjectStore

    def gc(self, policy: Retention, *, dry_run: bool) -> Collected:
        """Apply a policy; see `service.retention.gc.gc`."""
        return gc(self.engine, self.store, policy, dry_run=dry_run)

    def fsck(
        self,
        jobs: Sequence[int],
        *,
        deep: bool,
        orphans_older_than: float,
        mend: bool,
        wait_seconds: float | None,
        told: Callable[[str], None],
    ) -> Checked:
        """Compare database and bucket; see `service.retention.fsck.fsck`."""
        return fsck(
            self.engine,
            self.store,
            jobs,
            deep=deep,
            orphans_older_than=orphans_older_than,
            mend=mend,
            wait_seconds=wait_seconds,
            told=told,
        )


@contextmanager
def operation() -> Iterator[Operation]:
    """The database and the bucket that the environment names.

    Raises:
        ValueError: one is not named.
        ServiceError: one of them does not answer or refuses.
    """
    settings = Settings()
    if settings.database_url is None:
        raise ValueError(
            "expected a database in HOLONOMY_DATABASE_URL beside the bucket in HOLONOMY_S3_BUCKET, found none: set it"
        )
    url = settings.database_url.get_secret_value()
    store = object_store(settings)
    engine = connect(url, application="holonomy retention", statement_timeout_seconds=STATEMENT_SECONDS)
    try:
        store.check()
        yield Operation(engine, store)
    except SQLAlchemyError as error:
        raise ServiceError(f"{described(url)}: {reason(error)}; `holonomy doctor` tells more") from None
    except Unavailable as error:
        raise ServiceError(str(error)) from None
    finally:
        engine.dispose()
