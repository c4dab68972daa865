"""Whole bracket jobs through an embedded stack: beside the kernel called directly, and with two workers beside one.

    submit → plan → tiles on the workers → summary

The rate of a job is that of its tiles: all pairs over the time from the first claim of a tile to the last commit of
one, by the database's clock. Loading, storing, leases and the way through Ray are inside; submission, planning and
the summary are not. Axes: N examples.
"""

import shutil
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine, text

from bench.brackets.engine import tiles
from bench.brackets.subjects import MLP, MLP_INPUT, SEED, Subject, subject
from bench.case import Conditions, spread_figure
from bench.report import Figure
from bench.timing import Spread, interleaved
from holonomy import Brackets, BracketsJob, Client, First, Idx, Training
from schemas.base import Device
from service.db.engine import connect
from service.embedded import stack
from service.embedded.access import database_url
from service.embedded.home import Home
from workers.brackets.tiles.geometry import TileShape

DATASET = "bench"
TRAIN, TEST = 4_096, 32
_SIDE = 28
_SPAN = text("""
    select extract(epoch from max(finished_at) - min(started_at))::float8, sum((record ->> 'kernel_seconds')::float8)
    from blocks where job_id = :job and kind = 'bracket_tile'
""")
_TILES = text("select payload from blocks where job_id = :job and kind = 'bracket_tile' order by seq")


class Span(NamedTuple):
    """Seconds of a job's tiles: from the first claim to the last commit, and within the numerics."""

    wall: float
    kernels: float


@dataclass(frozen=True)
class Service:
    """A running stack, its client and its database."""

    client: Client
    engine: Engine

    def run(self, N: int, *, device: Device = "cpu", null_pairs: int = 0) -> BracketsJob:
        """A job over N examples of the MLP at initialisation, computed anew; done when this returns."""
        training = Training(data=Idx(name=DATASET), model=MLP, steps=0, seed=SEED)
        spec = Brackets(training=training, examples=First(count=N), device=device, null_pairs=null_pairs)
        return self.client.submit(spec, fresh=True).wait(progress=False)

    def span(self, job: BracketsJob) -> Span:
        """How long the tiles of a job took."""
        with self.engine.connect() as connection:
            return Span(*connection.execute(_SPAN, {"job": job.id}).one())

    def tile_shapes(self, job: BracketsJob) -> list[TileShape]:
        """The job's tiles, in their order."""
        with self.engine.connect() as connection:
            payloads = connection.execute(_TILES, {"job": job.id}).scalars().all()
        return [TileShape(range(*payload["rows"]), range(*payload["columns"])) for payload in payloads]


def against_the_kernel(conditions: Conditions) -> list[Figure]:
    """The MLP job on one worker, over `compute_tile` called on the same tiles in this process, in turn.

    The job that counts does what the kernel does: no random directions for a null. What they add stands beside it.
    """
    N, rounds = (256, 1) if conditions.quick else (512, 7)
    device: Device = "cuda" if conditions.cuda else "cpu"
    given = subject(MLP, MLP_INPUT, N, conditions.device)
    spans: list[Span] = []
    with_null: list[float] = []
    with _folder() as folder, _service(folder, 1) as service:
        # The first job is planned by a guess of what a pair costs; the next by what the first one measured.
        for _ in range(2):
            shapes = service.tile_shapes(service.run(N, device=device))
        methods = {
            "service": lambda: spans.append(service.span(service.run(N, device=device))),
            "kernel": lambda: _kernel(given, shapes),
            "null": lambda: with_null.append(
                service.span(
                    service.run(N, device=device, null_pairs=Brackets.model_fields["null_pairs"].default)
                ).wall
            ),
        }
        times = interleaved(methods, rounds, conditions.device, warm=frozenset({"service", "null"}))
    kernel, wall = times.seconds["kernel"], [span.wall for span in spans]
    share = Spread.of([direct / span for direct, span in zip(kernel, wall, strict=True)])
    name = f"job, MLP, N = {N}, one worker"
    return [
        Figure(f"{name}: {len(shapes)} tiles through the service", Spread.of(wall).median, "s"),
        Figure(f"{name}: the same tiles, kernel called directly", Spread.of(kernel).median, "s"),
        Figure(f"{name}: tiles with the default null", Spread.of(with_null).median, "s"),
        Figure(f"{name}: from submission to the end", times.median("service"), "s"),
        Figure(f"{name}: kernels within the time", Spread.of([s.kernels / s.wall for s in spans]).median, "share"),
        spread_figure(f"{name}: share of the kernel's rate", share, "share", 0.90, 0.97),
    ]


def two_workers(conditions: Conditions) -> list[Figure]:
    """The MLP job with one worker over the same with two, the stack restarted between them, in turn."""
    N, rounds = (256, 1) if conditions.quick else (1_024, 3)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    with _folder() as folder:
        for _ in range(rounds):
            for slots in seconds:
                with _service(folder, slots) as service:
                    # Warms the workers, and the costs by which the tiles are cut.
                    service.run(N)
                    seconds[slots].append(service.span(service.run(N)).wall)
    ratio = Spread.of([one / two for one, two in zip(seconds[1], seconds[2], strict=True)])
    name = f"job, MLP, N = {N}"
    return [
        Figure(f"{name}: tiles on one worker", Spread.of(seconds[1]).median, "s"),
        Figure(f"{name}: tiles on two workers", Spread.of(seconds[2]).median, "s"),
        spread_figure(f"{name}: two workers over one", ratio, "×", 1.8, 1.95),
    ]


def _kernel(given: Subject, shapes: list[TileShape]) -> None:
    """The tiles one after the other; each is let go, as a worker does once it is stored."""
    for _ in tiles(given, shapes):
        pass


@contextmanager
def _folder() -> Iterator[Path]:
    """A state folder whose stack has the dataset; all of it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="holonomy-bench-", dir="/tmp"))
    try:
        with _service(folder, 1) as service:
            idx = folder / "idx"
            idx.mkdir()
            _write_idx(idx)
            service.client.data.import_idx(DATASET, idx)
        yield folder
    finally:
        stack.down(folder)
        shutil.rmtree(folder)


@contextmanager
def _service(folder: Path, slots: int) -> Iterator[Service]:
    """The stack of a folder with so many workers."""
    before = environ.get("HOLONOMY_SLOTS")
    environ["HOLONOMY_SLOTS"] = str(slots)
    try:
        state = stack.up(folder)
        home = Home(folder)
        engine = connect(database_url(home, state), application="bench")
        with Client(state.url, home.api_token.read_text(encoding="ascii").strip()) as client:
            yield Service(client, engine)
        engine.dispose()
    finally:
        stack.down(folder)
        if before is None:
            del environ["HOLONOMY_SLOTS"]
        else:
            environ["HOLONOMY_SLOTS"] = before


def _write_idx(folder: Path) -> None:
    """Random images of 28×28 with random labels, in the format of MNIST."""
    generator = np.random.default_rng(SEED)
    for stem, examples in (("train", TRAIN), ("t10k", TEST)):
        images = generator.integers(256, size=(examples, _SIDE, _SIDE), dtype=np.uint8)
        labels = np.arange(examples, dtype=np.uint8) % 10
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (folder / f"{stem}-{kind}-ubyte").write_bytes(header + array.tobytes())
