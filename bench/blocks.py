"""`python -m bench.blocks`: how fast blocks go through the whole durable path, and what Ray and others do meanwhile.

    claim → Ray actor → one result record of 2 KB → fenced commit, with `synchronous_commit` on

One block per call is compared with bare Ray actor calls of the same signature in the same run, the two taken in turn.
Small blocks go several to a call. procrastinate runs no-op jobs on the same Postgres. A bracket job of blocks of
about a second says how much of the wall time the kernels get.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from sqlalchemy import Engine, text

from bench.procrastinate_rate import procrastinate_rate
from bench.report import Figure, run
from bench.servers import BUCKET, servers
from service.db.engine import connect
from service.db.migrate import upgrade
from workers.runtime.store import ObjectStore, StoreSettings

RECORD_BYTES = 2_000
SLOTS = 2


def measure(quick: bool) -> tuple[list[Figure], dict[str, str]]:
    """All figures; `quick` takes fewer blocks and rounds."""
    # The bracket job has several tiles for each slot: with fewer, the last ones leave a slot idle.
    sizes, jobs = ((3, 2_000, 15_000, 64), 1_000) if quick else ((5, 12_000, 100_000, 96), 5_000)
    with servers(SLOTS) as stack:
        # Ray reads how to authenticate when it is imported: after its head is up.
        from bench.durable_path import measure as measure_path

        url = stack.postgres.url
        ObjectStore(StoreSettings(BUCKET)).create_bucket()
        upgrade(url)
        engine = connect(url, application="bench")
        version = _checked(engine)
        engine.dispose()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            rates = pool.submit(measure_path, url, stack.ray.address, SLOTS, RECORD_BYTES, sizes).result()
        theirs = procrastinate_rate(url, jobs, RECORD_BYTES)
    figures = [
        Figure("bare Ray actor calls", rates.bare, "calls/s"),
        Figure("durable, one block per call", rates.one_per_call, "blocks/s"),
        Figure("durable over bare Ray, one block per call", rates.ratio, "ratio", target=0.7, aim=0.95),
        Figure("durable, small blocks packed", rates.packed, "blocks/s", target=6_000, aim=12_000),
        Figure("procrastinate, no-op jobs", theirs, "jobs/s"),
        Figure("durable, one block per call, over procrastinate", rates.one_per_call / theirs, "ratio", target=3.0),
        Figure("bracket job: length of a tile", rates.tile_seconds, "s"),
        Figure("bracket job: share of the slots' time in kernels", rates.kernel_share, "share", target=0.9),
    ]
    return figures, {"postgres": version}


def _checked(engine: Engine) -> str:
    """The server's version, once it is sure that commits are synchronous."""
    with engine.connect() as connection:
        if connection.execute(text("show synchronous_commit")).scalar_one() != "on":
            raise RuntimeError("synchronous_commit must be on for these figures to mean anything")
        return str(connection.execute(text("show server_version")).scalar_one())


if __name__ == "__main__":
    sys.exit(run("blocks", measure))
