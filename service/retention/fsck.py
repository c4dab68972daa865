"""One run of `holonomy fsck`: check, and mend if that is asked for."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, text

from schemas.retention import Checked
from service.errors import Missing
from service.objects import ObjectStore
from service.retention.check import Wish, check
from service.retention.repair import Repair

_FAMILY = text("""
    with recursive family as (
        select id from jobs where id = any(:jobs)
        union
        select l.parent_id from job_parents l join family f on f.id = l.job_id
    )
    select id from family order by id
""")


def fsck(
    engine: Engine,
    store: ObjectStore,
    jobs: Sequence[int],
    *,
    deep: bool = False,
    orphans_older_than: float,
    mend: bool = False,
    wait_seconds: float | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Checked:
    """Compare database and bucket, and mend what can be mended.

    Args:
        engine: The database.
        store: The bucket.
        jobs: Only these and the training runs they look at; none for everything.
        deep: Read every byte and count rows.
        orphans_older_than: Seconds from which an object that no row names counts.
        mend: Run blocks again whose objects are lost; of `jobs`, also those whose objects retention dropped.
        wait_seconds: How long to wait for them; None for as long as it takes, 0 not at all.
        told: Called with a line where something goes on.

    Raises:
        Missing: there is no such job.
        Unavailable: the object store is away.
    """
    with engine.connect() as connection:
        family = _family(connection, jobs) if jobs else None
        found = check(connection, store, Wish(family, deep, orphans_older_than))
        if not mend:
            return found
        repair = Repair(engine, connection, store, told)
        tables = repair.start(jobs)
        if wait_seconds != 0:
            repair.wait(wait_seconds)
        return found.model_copy(update={"mended": repair.outcome(tables, waited=wait_seconds != 0)})


def _family(connection: Connection, jobs: Sequence[int]) -> list[int]:
    family = list(connection.execute(_FAMILY, {"jobs": list(jobs)}).scalars())
    connection.commit()
    unknown = min(set(jobs) - set(family), default=None)
    if unknown is not None:
        raise Missing("unknown_job", f"there is no job {unknown}: `holonomy jobs` lists them")
    return family
