"""The reference run of replicas through an embedded stack with two workers: `examples/mnist-replicas/reference.yaml`.

Random images in MNIST's format stand in for MNIST, which need not be at hand: what is computed takes as long.
"""

import time
from pathlib import Path

from sqlalchemy import text

from bench import embedded
from bench.case import Conditions
from bench.idx_files import write_idx
from bench.report import Figure
from holonomy.cli.specfile import read_spec
from schemas.replicas import Replicas

EXAMPLE = Path(__file__).parents[2] / "examples/mnist-replicas/reference.yaml"
WORKERS, QUICK_STEPS, QUICK_REPLICAS = 2, 500, 2
TRAIN, TEST = 60_000, 10_000
_SEGMENTS = text("""
    select extract(epoch from max(finished_at) - min(started_at))::float8, sum((record ->> 'kernel_seconds')::float8)
    from blocks where job_id = :job and kind = 'replica_segment'
""")


def through_the_service(conditions: Conditions) -> list[Figure]:
    """From submission to the end on two workers, and what of it is the segments and their numerics."""
    spec = read_spec(str(EXAMPLE))
    if not isinstance(spec, Replicas):
        raise TypeError(f"{EXAMPLE} holds a {spec.kind} job; the bench is of replicas")
    if conditions.quick:
        spec = _shortened(spec)
    with embedded.state_folder() as folder, embedded.service(folder, WORKERS) as service:
        idx = folder / "idx"
        write_idx(idx, TRAIN, TEST)
        service.client.data.import_idx("mnist", idx)
        # Warms the workers, and the costs by which segments are cut.
        service.client.submit(_shortened(spec)).wait(progress=False)
        began = time.perf_counter()
        job = service.client.submit(spec, fresh=True).wait(progress=False)
        wall = time.perf_counter() - began
        with service.engine.connect() as connection:
            segments, kernels = connection.execute(_SEGMENTS, {"job": job.id}).one()
    name = f"reference run, {spec.count} replicas, {spec.training.steps:,} steps, two workers"
    target, aim = (None, None) if conditions.quick else (360.0, 180.0)
    return [
        Figure(f"{name}: from submission to the end", wall, "s", target, aim, lower_is_better=True),
        Figure(f"{name}: segments, from the first claim to the last commit", segments, "s"),
        Figure(f"{name}: numerics, of the segments' time on both workers", kernels / (WORKERS * segments), "share"),
    ]


def _shortened(spec: Replicas) -> Replicas:
    training = spec.training.model_copy(update={"steps": QUICK_STEPS, "checkpoints": (QUICK_STEPS,)})
    arms = tuple(arm.model_copy(update={"replicas": QUICK_REPLICAS}) for arm in spec.arms)
    return spec.model_copy(update={"training": training, "arms": arms})
