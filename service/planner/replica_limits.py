"""What is refused of a replica job at submission: what is not there, and more than a job or a worker can hold."""

from math import ceil

from schemas.batch_edits import misplaced
from schemas.looks import MAX_LOOKS, count_looks
from schemas.replica_results import REPLICA_METRICS
from schemas.replicas import Replicas
from service.errors import Refused
from service.planner.ceilings import check_bytes, check_rows
from service.planner.group_memory import member_bytes, most_replicas, saved_bytes
from service.planner.size import DataSize, ModelSize, model_size

MAX_GROUP_BYTES = 64 * 2**30
"""Of the smallest group: what a worker is taken to have at most."""
MAX_SUMMARY_ROWS = 1_000_000
"""Rows of one table from the block that reduces what all groups found."""
MAX_SUMMARY_LOOKS = 5_000_000
"""Looks times replicas that it holds in memory, each some twenty numbers, and a few times over."""
MAX_SUMMARY_OBJECTS = 50_000
"""Objects that it reads: their names come in one message, and each takes some ten milliseconds."""
MAX_RESAMPLED = 10**12
"""Numbers that it draws from all series in all resamples, within the hour that a block may take."""


def check_replicas(spec: Replicas, data: DataSize) -> None:
    """Refuse a replica job that cannot be computed here; its training run is checked apart.

    Raises:
        Refused: `out_of_range`, or `too_large` with the arithmetic.
    """
    _check_arms(spec, data)
    size = model_size(spec.training, data)
    _check_rows(spec, size)
    each = member_bytes(spec, size, data)
    if 3 * each > MAX_GROUP_BYTES:
        raise Refused(
            "too_large",
            f"a worker trains at least a baseline, its twin and one replica together, in at most "
            f"{MAX_GROUP_BYTES:,} bytes; these take 3 × {each:,} = {3 * each:,}: take a smaller model or batch",
        )
    checkpoints = len(spec.training.checkpoints)
    each = saved_bytes(spec, size)
    check_bytes(
        f"states of {spec.count:,} replicas × {checkpoints:,} checkpoints × {each:,} bytes",
        spec.count * checkpoints * each,
    )
    _check_objects(spec, size, data)


def _check_arms(spec: Replicas, data: DataSize) -> None:
    if data.train is None:
        return
    for name, arm in zip(spec.arm_names, spec.arms, strict=True):
        for perturbation in arm.perturbations:
            reason = misplaced(perturbation, data.train, spec.training.batch_size)
            if reason is not None:
                raise Refused("out_of_range", f"arm {name}: {reason}")


def _check_rows(spec: Replicas, size: ModelSize) -> None:
    looks, checkpoints = count_looks(spec.looks, spec.training.steps), len(spec.training.checkpoints)
    if looks > MAX_LOOKS:
        raise Refused(
            "too_large",
            f"replicas are looked at {MAX_LOOKS:,} times at most; this job asks for {looks:,} looks: take looks "
            "further apart, or log_spaced ones",
        )
    seen, product = (looks + checkpoints) * spec.count, f"{looks + checkpoints:,} looks × {spec.count:,} replicas"
    if seen > MAX_SUMMARY_LOOKS:
        raise Refused(
            "too_large",
            f"the summary of a job holds at most {MAX_SUMMARY_LOOKS:,} looks at single replicas; this one has "
            f"{product} = {seen:,}: take fewer looks or replicas",
        )
    if spec.measures.tensors:
        check_rows(
            "distances of parameter tensors",
            f"{product} × {size.tensors:,} tensors",
            seen * size.tensors,
            "take fewer looks or replicas, or leave measures.tensors off",
        )
    if spec.lyapunov is not None:
        times, exponents = ceil(spec.training.steps / spec.lyapunov.every), spec.lyapunov.exponents
        check_rows(
            "Lyapunov exponents",
            f"{times:,} orthonormalisations × {exponents:,} exponents",
            times * exponents,
            "take a larger lyapunov.every or fewer exponents",
        )
    arms, metrics = len(spec.arms), sum(column.type == "float" for column in REPLICA_METRICS.columns)
    _check_summary(
        "statistics over replicas",
        f"{looks + checkpoints:,} looks × {arms:,} arms × {metrics} metrics",
        (looks + checkpoints) * arms * metrics,
        "take fewer looks or arms",
    )
    resamples = spec.bootstrap.resamples
    if seen * metrics * resamples > MAX_RESAMPLED:
        raise Refused(
            "too_large",
            f"the summary of a job draws at most {MAX_RESAMPLED:,} numbers; this one asks for {product} × {metrics} "
            f"metrics × {resamples:,} resamples = {seen * metrics * resamples:,}: take fewer of them",
        )
    if spec.autocorrelation:
        _check_summary(
            "autocorrelations",
            f"{arms:,} arms × 2 × {checkpoints:,} × {checkpoints + 1:,} / 2 pairs of checkpoints",
            arms * checkpoints * (checkpoints + 1),
            "take fewer checkpoints or arms",
        )


def _check_summary(what: str, product: str, total: int, advice: str) -> None:
    if total > MAX_SUMMARY_ROWS:
        raise Refused(
            "too_large",
            f"the summary of a job has at most {MAX_SUMMARY_ROWS:,} rows of {what}; this one has {product} = "
            f"{total:,}: {advice}",
        )


def _check_objects(spec: Replicas, size: ModelSize, data: DataSize) -> None:
    checkpoints = len(spec.training.checkpoints)
    fit = most_replicas(spec, size, data, "cuda" if spec.training.device == "cuda" else "cpu")
    groups = ceil(spec.count / min(fit, spec.group_size or fit))
    each = 1 if spec.alignment is None and spec.barriers is None else 2
    if each * groups * checkpoints > MAX_SUMMARY_OBJECTS:
        advice = "fewer checkpoints" if spec.group_size is None else "a larger group_size or fewer checkpoints"
        raise Refused(
            "too_large",
            f"the summary of a job reads at most {MAX_SUMMARY_OBJECTS:,} objects, {each} for each group and "
            f"checkpoint; this one has {each} × {groups:,} groups × {checkpoints:,} checkpoints = "
            f"{each * groups * checkpoints:,}: take {advice}",
        )
