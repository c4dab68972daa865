"""Bucket and database side by side, as two temporary tables of one connection.

First what rows name is written down, then the bucket is listed: an object is written before it is named, so one that
was named and is not listed is missing. What is listed and was not named then is looked up again before it counts as
an orphan. Nothing is held in memory, and the order in which a store lists does not matter.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from service.objects import Listed, ObjectStore
from service.retention.batches import batched
from service.retention.collect import dataset_objects

_PAGE = 2_000
_TABLES = """
    create temporary table if not exists named (
        id bigint generated always as identity primary key, key text collate "C" not null, size_bytes bigint,
        sha256 text not null, owner text not null, job_id bigint, name text
    );
    create temporary table if not exists listed (
        id bigint generated always as identity primary key, key text collate "C" not null,
        size_bytes bigint not null, age_seconds double precision not null
    );
    drop index if exists pg_temp.named_key, pg_temp.listed_key;
    truncate named, listed;
"""
_OF_JOBS = "(cast(:jobs as bigint[]) is null or job_id = any(:jobs))"
_NAMED = text(f"""
    insert into named (key, size_bytes, sha256, owner, job_id, name)
    select key, size_bytes, sha256, 'object', job_id, name from objects where dropped_at is null and {_OF_JOBS}
    union all
    select key, size_bytes, sha256, 'table', job_id, table_name from table_files where {_OF_JOBS}
""")  # noqa: S608 - constants only
_INDEX = """
    create index named_key on named (key);
    create index listed_key on listed (key);
    analyze named, listed;
"""
_TOTAL = text("select count(*) as objects, coalesce(sum(size_bytes), 0)::bigint as size_bytes from named")
_PREFIXES = text("select distinct 'jobs/' || digest || '/' from jobs where id = any(:jobs)")
_AGE = text("select extract(epoch from now())")
_ABSENT = text("""
    select n.* from named n where n.id > :after and not exists (select from listed l where l.key = n.key)
    order by n.id limit :page
""")
_RESIZED = text("""
    select n.*, l.size_bytes as found_bytes from named n join listed l using (key)
    where n.size_bytes <> l.size_bytes and n.id > :after order by n.id limit :page
""")
_SOUND = text("""
    select n.* from named n join listed l using (key)
    where (n.size_bytes is null or n.size_bytes = l.size_bytes) and n.id > :after order by n.id limit :page
""")
_UNNAMED = text("""
    select l.* from listed l where l.id > :after and l.age_seconds > :age
      and not exists (select from named n where n.key = l.key)
    order by l.id limit :page
""")


@dataclass(frozen=True)
class Census:
    """The two tables, filled.

    Attributes:
        connection: Theirs; not in a transaction between calls.
        objects: Objects that rows name.
        size_bytes: Their bytes.
    """

    connection: Connection
    objects: int
    size_bytes: int

    @classmethod
    def take(cls, connection: Connection, store: ObjectStore, jobs: list[int] | None) -> "Census":
        """Write down what rows name and what the bucket holds: all of it, or what belongs to some jobs.

        Raises:
            Unavailable: the object store is away.
        """
        connection.exec_driver_sql(_TABLES)
        connection.execute(_NAMED, {"jobs": jobs})
        prefixes = [""]
        if jobs is None:
            rows = ((key, size, digest, "dataset", None, None) for key, size, digest in dataset_objects(connection))
            _load(connection, "named (key, size_bytes, sha256, owner, job_id, name)", rows)
        else:
            prefixes = list(connection.execute(_PREFIXES, {"jobs": jobs}).scalars())
        now = float(connection.execute(_AGE).scalar_one())
        connection.commit()
        for prefix in prefixes:
            _load(
                connection,
                "listed (key, size_bytes, age_seconds)",
                (_line(found, now) for found in store.list(prefix)),
            )
            connection.commit()
        connection.exec_driver_sql(_INDEX)
        total = connection.execute(_TOTAL).one()
        connection.commit()
        return cls(connection, total.objects, total.size_bytes)

    def absent(self) -> Iterator[Any]:
        """Rows of `named` whose key is not listed; those of imported jobs may lie where was not looked."""
        return self._pages(_ABSENT)

    def resized(self) -> Iterator[Any]:
        """Rows of `named` with `found_bytes`, where the listed length is another."""
        return self._pages(_RESIZED)

    def sound(self) -> Iterator[Any]:
        """Rows of `named` that are listed with their length."""
        return self._pages(_SOUND)

    def unnamed(self, age_seconds: float) -> Iterator[Any]:
        """Rows of `listed`, older than so much, that no row named when the listing began."""
        return self._pages(_UNNAMED, age=age_seconds)

    def _pages(self, statement: Any, **values: float) -> Iterator[Any]:
        after = 0
        while True:
            rows = self.connection.execute(statement, {"after": after, "page": _PAGE, **values}).all()
            self.connection.commit()
            yield from rows
            if len(rows) < _PAGE:
                return
            after = rows[-1].id


def _line(found: Listed, now: float) -> tuple[Any, ...]:
    return found.key, found.size_bytes, now - found.modified_at.timestamp()


def _load(connection: Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    cursor: Any = connection.connection.cursor()
    try:
        for batch in batched(rows, _PAGE):
            lines = "".join("\t".join(map(_field, row)) + "\n" for row in batch)
            cursor.copy_expert(f"copy {table} from stdin", io.BytesIO(lines.encode()))
    finally:
        cursor.close()


def _field(value: Any) -> str:
    if value is None:
        return r"\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
