"""Applies a policy to rows: arrays of old jobs and old Parquet copies are marked as gone, job by job.

A job whose arrays may still be needed is left alone: one that has not ended, the training run of a job that has not
ended or is kept, and objects that a projection of an unfinished job names. That is decided under the job's lock,
which submissions of such jobs take too.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Engine, text

from schemas.durations import seconds_of
from schemas.retention import Retention, Share
from service.queue.events import Line, write

TABLES = "Parquet copies older than {}"
_PIECE = 5_000
"""Objects that one transaction marks."""

_KEPT = """
    ({0}.tags && cast(:tags as text[]) or {0}.project = any(:projects) or coalesce({0}.name, '') = any(:names))
"""
_DROPPABLE = f"""
    j.state in ('done', 'failed', 'cancelled') and j.finished_at < now() - make_interval(secs => :age)
    and not {_KEPT.format("j")}
    and not exists (
        select from job_parents l join jobs c on c.id = l.job_id
        where l.parent_id = j.id and (c.state in ('queued', 'running', 'cancelling') or {_KEPT.format("c")})
    )
"""
# What projections of unfinished jobs name.
_DIRECTIONS = """
    directions as materialized (
        select distinct (target ->> 'job_id')::bigint as job_id, target ->> 'object' as name
        from jobs u cross join lateral jsonb_array_elements(u.spec -> 'projections') target
        where u.state in ('queued', 'running', 'cancelling') and u.kind = 'brackets' and target ? 'job_id'
    )
"""
_OBJECTS = """
    o.dropped_at is null and split_part(o.name, '/', 1) = any(:kinds)
    and not exists (select from directions d where d.job_id = o.job_id and d.name = o.name)
"""
_JOBS = text(f"""
    with {_DIRECTIONS}
    select j.id, count(*) as objects, sum(o.size_bytes)::bigint as size_bytes
    from jobs j join objects o on o.job_id = j.id
    where j.id > :after and {_DROPPABLE} and {_OBJECTS}
    group by j.id order by j.id limit 1000
""")  # noqa: S608 - constants only
# Stronger than the locks of those who work on the job, so that it shuts out who merely relies on its objects. What
# they committed while it waited is seen by the statement after it alone.
_LOCK = text("select from jobs where id = :job for update")
_DROP = text(f"""
    with {_DIRECTIONS}, going as (
        select o.job_id, o.name from objects o join jobs j on j.id = o.job_id
        where j.id = :job and {_DROPPABLE} and {_OBJECTS} order by o.name limit {_PIECE}
    )
    update objects o set dropped_at = now(), drop_reason = :reason
    from going where o.job_id = going.job_id and o.name = going.name
    returning o.key, o.size_bytes
""")  # noqa: S608 - constants only
_OLD_TABLES = text("""
    select job_id, size_bytes from table_files where created_at < now() - make_interval(secs => :age)
""")
_DROP_TABLES = text(f"""
    delete from table_files where (job_id, table_name) in (
        select job_id, table_name from table_files where created_at < now() - make_interval(secs => :age)
        order by job_id, table_name limit {_PIECE} for update skip locked
    )
    returning job_id, key, size_bytes
""")  # noqa: S608 - constants only


class Dropped(NamedTuple):
    """What one transaction marked as gone."""

    jobs: frozenset[int]
    keys: tuple[str, ...]
    size_bytes: int


def foreseen(engine: Engine, policy: Retention) -> Iterator[Share]:
    """What `drop` would mark, by reason."""
    if policy.arrays_older_than is not None:
        jobs = list(_candidates(engine, policy))
        yield Share(
            reason=policy.reason,
            jobs=len(jobs),
            objects=sum(job.objects for job in jobs),
            size_bytes=sum(job.size_bytes for job in jobs),
        )
    if policy.tables_older_than is not None:
        with engine.connect() as connection:
            files = connection.execute(_OLD_TABLES, {"age": seconds_of(policy.tables_older_than)}).all()
        yield Share(
            reason=TABLES.format(policy.tables_older_than),
            jobs=len({file.job_id for file in files}),
            objects=len(files),
            size_bytes=sum(file.size_bytes for file in files),
        )


def drop_arrays(engine: Engine, policy: Retention) -> Iterator[Dropped]:
    """Mark arrays of old jobs as gone, piece by piece; after each piece its objects can be collected."""
    if policy.arrays_older_than is None:
        return
    for job in _candidates(engine, policy):
        while piece := _drop_piece(engine, policy, job.id):
            yield piece


def drop_tables(engine: Engine, policy: Retention) -> Iterator[Dropped]:
    """Forget old Parquet copies, piece by piece."""
    if policy.tables_older_than is None:
        return
    while True:
        with engine.begin() as connection:
            rows = connection.execute(_DROP_TABLES, {"age": seconds_of(policy.tables_older_than)}).all()
        if not rows:
            return
        jobs, keys = frozenset(row.job_id for row in rows), tuple(row.key for row in rows)
        yield Dropped(jobs, keys, sum(row.size_bytes for row in rows))


def _candidates(engine: Engine, policy: Retention) -> Iterator[Any]:
    after = 0
    while True:
        with engine.connect() as connection:
            rows = connection.execute(_JOBS, _values(policy) | {"after": after}).all()
        yield from rows
        if not rows:
            return
        after = rows[-1].id


def _drop_piece(engine: Engine, policy: Retention, job_id: int) -> Dropped | None:
    values = _values(policy) | {"job": job_id, "reason": policy.reason}
    with engine.begin() as connection:
        connection.execute(_LOCK, values)
        rows = connection.execute(_DROP, values).all()
        if not rows:
            return None
        size_bytes = sum(row.size_bytes for row in rows)
        words = f"retention dropped {len(rows):,} objects ({policy.reason}); what is in tables stays"
        write(connection, [Line(job_id, words, data={"objects": len(rows), "bytes": size_bytes})])
    return Dropped(frozenset({job_id}), tuple(row.key for row in rows), size_bytes)


def _values(policy: Retention) -> dict[str, Any]:
    return {
        "age": seconds_of(policy.arrays_older_than or "0"),
        "kinds": [kind.value for kind in policy.kinds],
        "tags": list(policy.keep_tags),
        "names": list(policy.keep_names),
        "projects": list(policy.keep_projects),
    }
