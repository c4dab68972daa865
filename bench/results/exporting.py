"""An export of a job with a million pairs and half a gigabyte of arrays, beside the same bytes from the store."""

import os
import secrets
import time
from hashlib import sha256
from pathlib import Path

import torch
from sqlalchemy import text

from bench import high_water
from bench.embedded import Service
from bench.report import Figure
from bench.results.pairs import tiles
from holonomy import Brackets, First, Training
from schemas.bracket_results import PAIRS
from service.db.copy import copy_rows, encode
from service.embedded.access import environment
from service.embedded.home import Home
from service.embedded.state import read_state
from service.objects import ObjectStore
from workers.runtime.objects import StoreSettings

OBJECT_BYTES = 64 * 2**20
CLIENT_MIB = 150.0
"""More than the client may hold at once than before; what it exports is several times as much."""

_STORE = text("""
    insert into objects (job_id, name, key, sha256, size_bytes, arrays, block_id)
    select :job, 'bench/' || :number, :key, :sha256, :size, '{}',
           (select min(id) from blocks where job_id = :job)
""")


def times(service: Service, folder: Path, rows: int, objects: int) -> list[Figure]:
    """Write Parquet on first demand, export everything, and read the same objects without the service."""
    store = _object_store(folder)
    job = service.client.submit(Brackets(training=Training(steps=4, checkpoints=(0,)), examples=First(count=8)))
    job.wait(progress=False)
    _enlarge(service, job.id, rows)
    keys = [_put(service, store, job.id, number) for number in range(objects)]
    began = time.perf_counter()
    service.client.scan("pairs", jobs=job.id)
    written = time.perf_counter() - began
    before = high_water.start(torch.device("cpu"))
    began = time.perf_counter()
    service.client.export(folder / "export", jobs=job.id)
    taken = time.perf_counter() - began
    held = (high_water.mark(torch.device("cpu")) - before) / 2**20
    size = sum(file.stat().st_size for file in (folder / "export").rglob("*") if file.is_file())
    bare = _bare(store, keys, folder / "bare")
    mebibytes = size / 2**20
    return [
        Figure(f"{rows:,} pair rows to Parquet in the bucket, on first demand", rows / written, "rows/s"),
        Figure(f"export of {mebibytes:,.0f} MiB through the API, checked by SHA-256", mebibytes / taken, "MiB/s"),
        Figure("  the same objects from the store to disk, one after the other, unchecked", bare, "MiB/s"),
        Figure(
            "  the client's memory above what it held before", held, "MiB", target=CLIENT_MIB, lower_is_better=True
        ),
    ]


def _object_store(folder: Path) -> ObjectStore:
    home = Home(folder)
    state = read_state(home)
    if state is None:
        raise RuntimeError(f"the stack of {folder} has no state")
    variables = environment(home, state)
    os.environ.update({name: value for name, value in variables.items() if name.startswith("AWS_")})
    return ObjectStore(StoreSettings(bucket=state.bucket))


def _enlarge(service: Service, job_id: int, rows: int) -> None:
    """Give a job more pairs, at a checkpoint of their own."""
    for columns in tiles(rows, step=1):
        with service.engine.begin() as connection:
            copy_rows(connection, PAIRS, [encode(PAIRS, job_id, columns)])


def _put(service: Service, store: ObjectStore, job_id: int, number: int) -> str:
    """An object of random bytes among those of a job; its key."""
    data = secrets.token_bytes(OBJECT_BYTES)
    key = f"jobs/bench/{number}"
    store.put(key, data)
    values = {"job": job_id, "number": number, "key": key, "sha256": sha256(data).hexdigest(), "size": len(data)}
    with service.engine.begin() as connection:
        connection.execute(_STORE, values)
    return key


def _bare(store: ObjectStore, keys: list[str], folder: Path) -> float:
    """MiB/s of the objects from the store into files."""
    folder.mkdir()
    began = time.perf_counter()
    for number, key in enumerate(keys):
        with (folder / str(number)).open("wb") as file:
            for chunk in store.stream(key):
                file.write(chunk)
    return len(keys) * OBJECT_BYTES / 2**20 / (time.perf_counter() - began)
