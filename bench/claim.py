"""`python -m bench.claim`: the claim of 50 blocks, beside a million finished ones.

    fresh → after 100,000 updates without vacuum → while an old snapshot is held open → beside limited jobs

Each claim is given back, so that the queue keeps its size: that is where the updates come from.
"""

import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from bench.filling import fill, fill_sweep
from bench.report import Figure, run
from service.db.engine import connect
from service.db.migrate import upgrade
from service.embedded.ports import free_port
from service.embedded.postgres import Postgres
from service.queue.claim import claim
from service.queue.release import release

LIMIT = 50
TARGET_MS = 3.0


def measure(quick: bool) -> tuple[list[Figure], dict[str, str]]:
    """Median milliseconds of a claim's statements, and with its commit; `quick` has a tenth of the updates."""
    finished, updates, rounds = (1_000_000, 10_000, 100) if quick else (1_000_000, 100_000, 400)
    with _database() as engine:
        fill(engine, finished=finished, ready=10_000)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("alter table blocks set (autovacuum_enabled = false)"))
            version = str(connection.execute(text("show server_version")).scalar_one())
        fresh = _median_ms(engine, rounds)
        # A claim and its release are two updates of each block.
        _median_ms(engine, updates // (2 * LIMIT))
        aged = _median_ms(engine, rounds)
        with engine.connect() as old:
            old.execute(text("set transaction isolation level repeatable read"))
            old.execute(text("select count(*) from jobs"))
            held = _median_ms(engine, rounds)
        fill_sweep(engine, jobs=100, limit=4, running=4)
        few = _median_ms(engine, rounds)
        fill_sweep(engine, jobs=10_000, limit=4, running=4)
        many = _median_ms(engine, rounds)
    figures = [
        _figure(f"claim of {LIMIT}, {finished:,} finished, 10,000 ready", fresh[0], TARGET_MS),
        _figure("  and its commit", fresh[1], None),
        _figure(f"the same after {updates:,} updates without vacuum", aged[0], TARGET_MS),
        _figure(f"the same after {rounds * 2 * LIMIT:,} more under an old snapshot", held[0], None),
        _figure("beside 100 jobs of a sweep that runs all it may", few[0], None),
        _figure("  and beside 10,000 jobs of another", many[0], None),
    ]
    return figures, {"postgres": version}


def _figure(name: str, milliseconds: float, target: float | None) -> Figure:
    return Figure(name, milliseconds, "ms", target=target, lower_is_better=True)


def _median_ms(engine: Engine, rounds: int) -> tuple[float, float]:
    claims, commits = [], []
    with engine.connect() as connection:
        for _ in range(rounds):
            with connection.begin() as transaction:
                started = time.perf_counter()
                blocks = claim(connection, holder="bench", device="cpu", limit=LIMIT, lease_seconds=60)
                claimed = time.perf_counter()
                transaction.commit()
            claims.append(claimed - started)
            commits.append(time.perf_counter() - claimed)
            with connection.begin():
                release(connection, {block.block_id: block.token for block in blocks})
    return 1000 * statistics.median(claims), 1000 * statistics.median(commits)


@contextmanager
def _database() -> Iterator[Engine]:
    folder = Path(tempfile.mkdtemp(prefix="holonomy-bench-", dir="/tmp"))
    folder.chmod(0o711)
    log = folder / "postgres.log"
    server = Postgres(folder / "postgres", free_port(), secrets.token_hex(8), scope=str(folder), log=log)
    server.start()
    try:
        upgrade(server.url)
        engine = connect(server.url, application="bench")
        yield engine
        engine.dispose()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(run("claim", measure))
