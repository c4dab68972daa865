"""A job at a glance: only small tables and the ends of indexes are read, so that its size does not matter."""

import math
from typing import Any

from sqlalchemy import Connection, select, text

from schemas.overview import Computed, LargestPair, Overview, Work
from service.db.results import results
from service.queue.jobs import job

SUMMARIES = (
    "checkpoints",
    "defects",
    "fits",
    "outputs",
    "order_accuracy",
    "replica_growth",
    "replica_stability",
)
"""Tables with few rows in a job."""
SHOWN_ROWS = 500
SHOWN_PAIRS = 3

_WORK = text("""
    select kind, count(*) as blocks, coalesce(sum(seconds), 0) as seconds,
           coalesce(sum((record ->> 'kernel_seconds')::float8), 0) as kernel_seconds
    from blocks where job_id = :job and state = 'done' group by kind order by min(seq)
""")
_COMPUTED = text("""
    select coalesce(record -> 'provenance' ->> 'code', 'unknown') as code,
           coalesce(record -> 'provenance' ->> 'device', 'unknown') as device,
           coalesce(record -> 'provenance' ->> 'torch', 'unknown') as torch, count(*) as blocks
    from blocks where job_id = :job and state = 'done' group by 1, 2, 3 order by blocks desc, 1, 2, 3
""")
_OBJECTS = text("""
    select count(*) as objects, coalesce(sum(size_bytes), 0) as bytes from objects
    where job_id = :job and dropped_at is null
""")
# The checkpoints of a job are found by hopping along the index rather than by reading all its pairs.
_LARGEST = text("""
    with recursive steps as (
        (select step from pairs where job_id = :job order by step limit 1)
        union all
        select (select step from pairs where job_id = :job and step > steps.step order by step limit 1)
        from steps where steps.step is not null
    )
    select steps.step, top.i, top.j, top.bracket_norm, top.defect
    from steps cross join lateral (
        select i, j, bracket_norm, defect from pairs
        where job_id = :job and step = steps.step order by bracket_norm desc limit :shown
    ) top
    where steps.step is not null order by steps.step, top.bracket_norm desc
""")


def overview(connection: Connection, job_id: int) -> Overview:
    """What a job found so far and what it took.

    Raises:
        Missing: there is no such job.
    """
    shown = job(connection, job_id)
    one = {"job": job_id, "shown": SHOWN_PAIRS}
    stored = connection.execute(_OBJECTS, one).one()
    return Overview(
        job=shown,
        work=tuple(Work(**row._mapping) for row in connection.execute(_WORK, one)),
        computed=tuple(Computed(**row._mapping) for row in connection.execute(_COMPUTED, one)),
        objects=stored.objects,
        object_bytes=int(stored.bytes),
        summaries={name: rows for name in SUMMARIES if (rows := _rows(connection, name, job_id))},
        largest=tuple(LargestPair(**row._mapping) for row in connection.execute(_LARGEST, one)),
    )


def _rows(connection: Connection, name: str, job_id: int) -> tuple[dict[str, Any], ...]:
    table = results[name]
    shown = [column for column in table.columns if column.name != "job_id"]
    query = select(*shown).where(table.c.job_id == job_id).order_by(*table.primary_key.columns).limit(SHOWN_ROWS)
    return tuple(
        {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
        for row in connection.execute(query).mappings()
    )
