"""One run of `holonomy gc`: rows are marked first, each job in short transactions, then the bucket is cleared.

Whatever interrupts it leaves objects that no row names, which the next run collects.
"""

from collections.abc import Iterator

from sqlalchemy import Engine

from schemas.durations import seconds_of
from schemas.retention import Collected, Retention, Share
from service.objects import ObjectStore
from service.retention.batches import batched
from service.retention.census import Census
from service.retention.collect import BATCH, collect, unnamed
from service.retention.drop import TABLES, Dropped, drop_arrays, drop_tables, foreseen


def gc(engine: Engine, store: ObjectStore, policy: Retention, *, dry_run: bool) -> Collected:
    """Apply a policy, or say what it would do.

    Raises:
        Unavailable: the object store is away; what was marked by then is collected by the next run.
    """
    if dry_run:
        return Collected(dry_run=True, shares=(*foreseen(engine, policy), _orphans(engine, store, policy, act=False)))
    shares = list[Share]()
    if policy.arrays_older_than is not None:
        shares.append(_cleared(engine, store, policy.reason, drop_arrays(engine, policy)))
    if policy.tables_older_than is not None:
        reason = TABLES.format(policy.tables_older_than)
        shares.append(_cleared(engine, store, reason, drop_tables(engine, policy)))
    return Collected(dry_run=False, shares=(*shares, _orphans(engine, store, policy, act=True)))


def _cleared(engine: Engine, store: ObjectStore, reason: str, pieces: Iterator[Dropped]) -> Share:
    jobs, objects, size_bytes = set[int](), 0, 0
    for piece in pieces:
        collect(engine, store, piece.keys)
        jobs |= piece.jobs
        objects += len(piece.keys)
        size_bytes += piece.size_bytes
    return Share(reason=reason, jobs=len(jobs), objects=objects, size_bytes=size_bytes)


def _orphans(engine: Engine, store: ObjectStore, policy: Retention, *, act: bool) -> Share:
    objects, size_bytes = 0, 0
    with engine.connect() as connection:
        census = Census.take(connection, store, None)
        for batch in batched(census.unnamed(seconds_of(policy.orphans_older_than)), BATCH):
            sizes = {row.key: row.size_bytes for row in batch}
            free = unnamed(connection, sizes)
            connection.commit()
            if act:
                free = collect(engine, store, free)
            objects += len(free)
            size_bytes += sum(sizes[key] for key in free)
    reason = f"named by no row and older than {policy.orphans_older_than}"
    return Share(reason=reason, jobs=0, objects=objects, size_bytes=size_bytes)
