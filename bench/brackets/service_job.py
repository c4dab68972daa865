"""Whole bracket jobs through an embedded stack: beside the kernel called directly, and with two workers beside one.

    submit → plan → tiles on the workers → summary

The rate of a job is that of its tiles: all pairs over the time from the first claim of a tile to the last commit of
one, by the database's clock. Loading, storing, leases and the way through Ray are inside; submission, planning and
the summary are not. Axes: N examples.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from bench import embedded
from bench.brackets.engine import tiles
from bench.brackets.subjects import MLP, MLP_INPUT, SEED, Subject, subject
from bench.case import Conditions, spread_figure
from bench.embedded import Service
from bench.idx_files import write_idx
from bench.report import Figure
from bench.timing import Spread, interleaved
from holonomy import Brackets, BracketsJob, First, Idx, Training
from schemas.base import Device
from workers.brackets.tiles.geometry import TileShape

DATASET = "bench"
TRAIN, TEST = 4_096, 32
_SPAN = text("""
    select extract(epoch from max(finished_at) - min(started_at))::float8, sum((record ->> 'kernel_seconds')::float8)
    from blocks where job_id = :job and kind = 'bracket_tile'
""")
_TILES = text("select payload from blocks where job_id = :job and kind = 'bracket_tile' order by seq")


class Span(NamedTuple):
    """Seconds of a job's tiles: from the first claim to the last commit, and within the numerics."""

    wall: float
    kernels: float


def run(service: Service, N: int, *, device: Device = "cpu", null_pairs: int = 0) -> BracketsJob:
    """A job over N examples of the MLP at initialisation, computed anew; done when this returns."""
    training = Training(data=Idx(name=DATASET), model=MLP, steps=0, seed=SEED)
    spec = Brackets(training=training, examples=First(count=N), device=device, null_pairs=null_pairs)
    return service.client.submit(spec, fresh=True).wait(progress=False)


def span(service: Service, job: BracketsJob) -> Span:
    """How long the tiles of a job took."""
    with service.engine.connect() as connection:
        return Span(*connection.execute(_SPAN, {"job": job.id}).one())


def tile_shapes(service: Service, job: BracketsJob) -> list[TileShape]:
    """The job's tiles, in their order."""
    with service.engine.connect() as connection:
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
    with _folder() as folder, embedded.service(folder, 1) as service:
        # The first job is planned by a guess of what a pair costs; the next by what the first one measured.
        for _ in range(2):
            shapes = tile_shapes(service, run(service, N, device=device))
        methods = {
            "service": lambda: spans.append(span(service, run(service, N, device=device))),
            "kernel": lambda: _kernel(given, shapes),
            "null": lambda: with_null.append(
                span(
                    service, run(service, N, device=device, null_pairs=Brackets.model_fields["null_pairs"].default)
                ).wall
            ),
        }
        times = interleaved(methods, rounds, conditions.device, warm=frozenset({"service", "null"}))
    kernel, wall = times.seconds["kernel"], [taken.wall for taken in spans]
    share = Spread.of([direct / through for direct, through in zip(kernel, wall, strict=True)])
    name = f"job, MLP, N = {N}, one worker"
    return [
        Figure(f"{name}: {len(shapes)} tiles through the service", Spread.of(wall).median, "s"),
        Figure(f"{name}: the same tiles, kernel called directly", Spread.of(kernel).median, "s"),
        Figure(f"{name}: tiles with the default null", Spread.of(with_null).median, "s"),
        Figure(f"{name}: from submission to the end", times.median("service"), "s"),
        Figure(
            f"{name}: kernels within the time",
            Spread.of([taken.kernels / taken.wall for taken in spans]).median,
            "share",
        ),
        spread_figure(f"{name}: share of the kernel's rate", share, "share", 0.90, 0.97),
    ]


def two_workers(conditions: Conditions) -> list[Figure]:
    """The MLP job with one worker over the same with two, the stack restarted between them, in turn."""
    N, rounds = (256, 1) if conditions.quick else (1_024, 3)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    with _folder() as folder:
        for _ in range(rounds):
            for slots in seconds:
                with embedded.service(folder, slots) as service:
                    # Warms the workers, and the costs by which the tiles are cut.
                    run(service, N)
                    seconds[slots].append(span(service, run(service, N)).wall)
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
    """A state folder whose stack has the dataset."""
    with embedded.state_folder() as folder:
        with embedded.service(folder, 1) as service:
            idx = folder / "idx"
            write_idx(idx, TRAIN, TEST)
            service.client.data.import_idx(DATASET, idx)
        yield folder
