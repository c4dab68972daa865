"""Rows per second into `pairs` by binary COPY, as a dispatcher commits them: several tiles in a transaction."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import text

from bench.report import Figure
from bench.results.databases import Store
from bench.results.pairs import TILE, tiles
from schemas.bracket_results import PAIRS
from service.db.copy import copy_rows, encode

STEPS = (0, 100)
TILES_AT_ONCE = 12
WITH_KEY, WITH_ORDER = 300_000.0, 150_000.0


def rates(store: Store, rows: int, jobs: int) -> list[Figure]:
    """Load the rows twice: into a table with its primary key alone, and with the ordering index as well.

    The second load stays for the benches that follow: jobs 1 to `jobs`, each with the checkpoints `STEPS`.
    """
    index = "create index pairs_by_norm on pairs (job_id, step, bracket_norm desc)"
    with store.engine.begin() as connection:
        connection.execute(text("drop index pairs_by_norm"))
    keyed = _load(store, rows, jobs)
    with store.engine.begin() as connection:
        connection.execute(text("truncate pairs"))
        connection.execute(text(index))
    ordered = _load(store, rows, jobs)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze pairs"))
    count = f"{rows:,} pair rows"
    return [
        Figure(f"{count} by COPY, primary key", keyed.copied, "rows/s", target=WITH_KEY),
        Figure("  with their encoding, on one thread", keyed.all, "rows/s"),
        Figure(f"{count} by COPY, primary key and ordering index", ordered.copied, "rows/s", target=WITH_ORDER),
        Figure("  with their encoding, on one thread", ordered.all, "rows/s"),
    ]


class _Rates:
    """Rows per second of COPY with its commit, and with the encoding before it."""

    def __init__(self, rows: int, encoding: float, copying: float) -> None:
        self.copied = rows / copying
        self.all = rows / (encoding + copying)


def _load(store: Store, rows: int, jobs: int) -> _Rates:
    loaded, encoding, copying = 0, 0.0, 0.0
    for job, batch in _batches(rows, jobs):
        began = time.perf_counter()
        encoded = [encode(PAIRS, job, columns) for columns in batch]
        ready = time.perf_counter()
        with store.engine.begin() as connection:
            copy_rows(connection, PAIRS, encoded)
        encoding += ready - began
        copying += time.perf_counter() - ready
        loaded += TILE * len(batch)
    return _Rates(loaded, encoding, copying)


def _batches(rows: int, jobs: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    for job in range(1, jobs + 1):
        for step in STEPS:
            made = tiles(rows // (jobs * len(STEPS)), step, seed=job)
            while batch := list(islice(made, TILES_AT_ONCE)):
                yield job, batch
