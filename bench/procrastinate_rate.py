"""No-op jobs a second of procrastinate, for comparison on the same Postgres."""

import asyncio
import time

import procrastinate
from procrastinate.types import JSONValue
from sqlalchemy import text

from service.db.engine import connect


def procrastinate_rate(url: str, jobs: int, payload_bytes: int) -> float:
    """Jobs a second of one worker with concurrency 20, in a database of its own on the server of `url`."""
    base = url.rpartition("/")[0]
    engine = connect(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("drop database if exists bench_procrastinate with (force)"))
        connection.execute(text("create database bench_procrastinate"))
    engine.dispose()
    return asyncio.run(_run(f"{base}/bench_procrastinate", jobs, payload_bytes))


async def _run(url: str, jobs: int, payload_bytes: int) -> float:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))

    @app.task(name="noop")
    def noop(payload: str) -> None:
        return None

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        payload: dict[str, JSONValue] = {"payload": "x" * payload_bytes}
        await noop.batch_defer_async(*[payload] * jobs)
        started = time.perf_counter()
        await app.run_worker_async(wait=False, concurrency=20, install_signal_handlers=False)
        return jobs / (time.perf_counter() - started)
