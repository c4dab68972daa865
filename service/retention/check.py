"""Compares bucket and database both ways. What is found is kept in a temporary table beside the census."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from schemas.retention import Checked, Fault, Finding
from service.objects import Corrupt, Missing, ObjectStore
from service.retention.batches import batched
from service.retention.census import Census
from service.retention.collect import BATCH, unnamed

EXAMPLES = 5
"""Findings of each kind that are shown."""
_READERS = 8
_READ_TOGETHER = 64

_TABLE = """
    create temporary table if not exists findings (
        id bigint generated always as identity primary key, fault text not null, key text collate "C" not null,
        owner text not null, job_id bigint, name text, sha256 text, detail text not null
    );
    truncate findings;
"""
_ADD = text("""
    insert into findings (fault, key, owner, job_id, name, sha256, detail)
    values (:fault, :key, :owner, :job, :name, :sha256, :detail)
""")
_LIVE = text("""
    select 'object' as owner, key from objects where key = any(:keys) and dropped_at is null
    union select 'table', key from table_files where key = any(:keys)
""")
_COUNTS = text("select fault, count(*) as count from findings where fault <> 'dropped' group by fault order by fault")
_EXAMPLES = text("""
    select fault, key, owner, job_id, name, detail from (
        select *, row_number() over (partition by fault order by id) as place from findings
    ) numbered
    where place <= :shown and fault <> 'dropped' order by fault, place
""")
# The planner writes down how many pairs a job has; jobs without norms have no tiles and no rows of them.
_PAIRS = text("""
    select j.id, (j.plan ->> 'pairs')::bigint as expected,
           (select count(*) from pairs p where p.job_id = j.id) as found
    from jobs j
    where j.state = 'done' and j.kind = 'brackets' and j.plan #> '{blocks,bracket_tile}' is not null
      and (cast(:jobs as bigint[]) is null or j.id = any(:jobs)) and j.id > :after
    order by j.id limit 100
""")
_ADVICE = {
    "dataset": "import the dataset again with `holonomy data import`: the same bytes get the same key",
    Fault.ROWS: "submit the job again with fresh=true",
    Fault.ORPHANED: "`holonomy gc` collects it",
}


@dataclass(frozen=True)
class Wish:
    """What to look at.

    Attributes:
        jobs: Only what belongs to these, or everything.
        deep: Read every byte, and count rows.
        orphans_older_than: Seconds from which an object that nobody names is an orphan.
    """

    jobs: list[int] | None
    deep: bool
    orphans_older_than: float


def check(connection: Connection, store: ObjectStore, wish: Wish) -> Checked:
    """Compare, and keep what was found in `findings`.

    Raises:
        Unavailable: the object store is away.
    """
    connection.exec_driver_sql(_TABLE)
    census = Census.take(connection, store, wish.jobs)
    _keep(connection, _absent(connection, store, census, wish))
    _keep(connection, _resized(connection, census))
    if wish.deep:
        _keep(connection, _damaged(connection, store, census.sound()))
        _keep(connection, _short(connection, wish))
    _keep(connection, _orphans(connection, census, wish))
    return summary(connection, census, wish)


def summary(connection: Connection, census: Census, wish: Wish) -> Checked:
    """What `findings` holds."""
    counts = {Fault(row.fault): row.count for row in connection.execute(_COUNTS)}
    examples = tuple(
        Finding(**row._mapping, advice=_ADVICE.get(row.owner) or _ADVICE.get(Fault(row.fault)))
        for row in connection.execute(_EXAMPLES, {"shown": EXAMPLES})
    )
    connection.commit()
    return Checked(
        objects=census.objects, size_bytes=census.size_bytes, deep=wish.deep, counts=counts, examples=examples
    )


Found = dict[str, Any]


def _found(fault: Fault, row: Any, detail: str) -> Found:
    return {
        "fault": fault.value,
        "key": row.key,
        "owner": row.owner,
        "job": row.job_id,
        "name": row.name,
        "sha256": row.sha256,
        "detail": detail,
    }


def _keep(connection: Connection, findings: Iterator[Found]) -> None:
    for batch in batched(findings, BATCH):
        connection.execute(_ADD, batch)
        connection.commit()


def _live(connection: Connection, rows: Sequence[Any]) -> list[Any]:
    """Those whose rows still name them: a job may have been deleted, dropped or mended meanwhile."""
    live = {(row.owner, row.key) for row in connection.execute(_LIVE, {"keys": [row.key for row in rows]})}
    connection.commit()
    return [row for row in rows if row.owner == "dataset" or (row.owner, row.key) in live]


def _absent(connection: Connection, store: ObjectStore, census: Census, wish: Wish) -> Iterator[Found]:
    for batch in batched(census.absent(), BATCH):
        elsewhere = []
        for row in _live(connection, batch):
            there = store.head(row.key)
            if there is None:
                yield _found(Fault.MISSING, row, "it is not in the bucket")
            elif row.size_bytes is not None and there.size_bytes != row.size_bytes:
                yield _found(Fault.SIZE, row, _lengths(row.size_bytes, there.size_bytes))
            else:
                elsewhere.append(row)
        if wish.deep:
            yield from _damaged(connection, store, iter(elsewhere))


def _resized(connection: Connection, census: Census) -> Iterator[Found]:
    for batch in batched(census.resized(), BATCH):
        for row in _live(connection, batch):
            yield _found(Fault.SIZE, row, _lengths(row.size_bytes, row.found_bytes))


def _damaged(connection: Connection, store: ObjectStore, rows: Iterator[Any]) -> Iterator[Found]:
    with ThreadPoolExecutor(_READERS) as pool:
        for batch in batched(rows, _READ_TOGETHER):
            faults = pool.map(lambda row: _read(store, row.key, row.sha256), batch)
            damaged = [(row, fault) for row, fault in zip(batch, faults, strict=True) if fault is not None]
            live = {row.id for row in _live(connection, [row for row, _ in damaged])} if damaged else set()
            for row, (fault, detail) in damaged:
                if row.id in live:
                    yield _found(fault, row, detail)


def _read(store: ObjectStore, key: str, sha256: str) -> tuple[Fault, str] | None:
    """What is wrong with the bytes under a key, which are read once and never held."""
    try:
        for _ in store.stream(key, sha256):
            pass
    except Corrupt:
        return Fault.CORRUPTED, f"its bytes have not the sha256 {sha256[:12]}… that was written"
    except Missing:
        return Fault.MISSING, "it is not in the bucket"
    return None


def _short(connection: Connection, wish: Wish) -> Iterator[Found]:
    after = 0
    while rows := connection.execute(_PAIRS, {"jobs": wish.jobs, "after": after}).all():
        connection.commit()
        for row in rows:
            if row.found != row.expected:
                yield {
                    "fault": Fault.ROWS.value,
                    "key": "pairs",
                    "owner": "rows",
                    "job": row.id,
                    "name": "pairs",
                    "sha256": None,
                    "detail": f"its blocks made {row.expected:,} rows, the table has {row.found:,}",
                }
        after = rows[-1].id


def _orphans(connection: Connection, census: Census, wish: Wish) -> Iterator[Found]:
    for batch in batched(census.unnamed(wish.orphans_older_than), BATCH):
        free = set(unnamed(connection, [row.key for row in batch]))
        connection.commit()
        for row in batch:
            if row.key in free:
                yield {
                    "fault": Fault.ORPHANED.value,
                    "key": row.key,
                    "owner": "nothing",
                    "job": None,
                    "name": None,
                    "sha256": None,
                    "detail": f"no row names it; {row.size_bytes:,} bytes, {row.age_seconds / 86_400:.1f} days old",
                }


def _lengths(expected: int, came: int) -> str:
    return f"expected {expected:,} bytes, it has {came:,}"
