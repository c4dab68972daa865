"""Milliseconds of the questions that are asked most, beside the rows of `bench.results.loading`."""

import statistics
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, text

from bench.report import Figure
from bench.results.databases import Store
from bench.results.loading import STEPS
from schemas.diagnostic import Diagnostic
from schemas.jobs import Submission
from service.api.table_query import parse
from service.db.arrow import ArrowDatabase
from service.queue.overview import overview
from service.queue.submit import submit

ROUNDS = 50
TOP_MS, OVERVIEW_MS = 5.0, 200.0
TILES = 2_500
"""Done blocks of the job whose overview is asked for: as many as half a million pairs at two checkpoints take."""

# Records as tiles leave them: 2 KB, most of it provenance.
_FILL = text("""
    insert into blocks (job_id, seq, phase, kind, payload, state, record, seconds)
    select :job, n, 0, 'bracket_tile', '{}', 'done',
           jsonb_build_object(
               'seconds', 2.0, 'kernel_seconds', 1.9, 'data', jsonb_build_object('path', 'structured'),
               'provenance', jsonb_build_object('code', 'a', 'device', 'b', 'torch', 'c', 'more', repeat('x', 1500))
           ), 2.0
    from generate_series(0, :tiles - 1) as n
""")
_PRIMITIVE = text("""
    select i, j, bracket_norm from (select *, bracket_norm + 0 as unordered from pairs) p
    where job_id = :job and step = :step order by unordered desc limit 100
""")


def times(store: Store, jobs: int) -> list[Figure]:
    """The hundred largest pairs, with and without their index, and the overview of a job."""
    job = jobs // 2 + 1
    query = parse("pairs", None, [f"step:eq:{STEPS[-1]}"], "-bracket_norm", 100)
    largest = query.of_job(job)
    with store.engine.begin() as connection:
        for _ in range(jobs):
            spec = Submission(spec=Diagnostic(), fresh=True)
            submit(connection, spec, submitted_by="bench", version="0")
        connection.execute(_FILL, {"job": job, "tiles": TILES})
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze blocks"))
    without = {"job": job, "step": STEPS[-1]}
    arrow = ArrowDatabase(store.url, kept=1)
    with store.engine.connect() as connection, closing(arrow):
        top = _median_ms(connection, lambda: connection.exec_driver_sql(largest).all())
        answered = _median_ms(connection, lambda: _read(arrow, largest))
        slow = _median_ms(connection, lambda: connection.execute(_PRIMITIVE, without).all(), rounds=5)
        page = _median_ms(connection, lambda: overview(connection, job))
    return [
        Figure("hundred largest pairs of a job and step", top, "ms", target=TOP_MS, lower_is_better=True),
        Figure("  as Arrow batches, as the API reads them", answered, "ms"),
        Figure("  the same without the ordering index", slow, "ms"),
        Figure("overview of a job of 2,500 tiles", page, "ms", target=OVERVIEW_MS, lower_is_better=True),
    ]


def _read(arrow: ArrowDatabase, sql: str) -> int:
    with arrow.open(sql, timeout_seconds=60) as batches:
        return sum(batch.num_rows for batch in batches)


def _median_ms(connection: Connection, ask: Callable[[], Any], rounds: int = ROUNDS) -> float:
    ask()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - began)
        connection.rollback()
    return 1000 * statistics.median(taken)
