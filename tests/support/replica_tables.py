"""Small result tables of a replica job of two arms, for what shows them."""

import polars

from schemas.perturbations import Gaussian, Reseed
from schemas.replicas import Alignment, Arm, Barriers, Lyapunov, Replicas
from schemas.training import Training

SPEC = Replicas(
    training=Training(steps=20, checkpoints=(0, 20)),
    arms=[
        Arm(name="near", perturbations=[Gaussian(epsilon=0.01, scale="global")], replicas=2),
        Arm(name="other", perturbations=[Reseed(after=5)], replicas=3),
    ],
    alignment=Alignment(),
    barriers=Barriers(),
    lyapunov=Lyapunov(),
)
NUMBERS = [-2, -1, 0, 1, 2, 3, 4]
STEPS = [0, 10, 20]
METRICS = polars.DataFrame(
    {
        "step": [step for step in STEPS for _ in NUMBERS],
        "replica": NUMBERS * len(STEPS),
        "distance": [step / 10 + max(number, 0) for step in STEPS for number in NUMBERS],
        "churn": [0.25] * (len(STEPS) * len(NUMBERS)),
    }
)
ROWS = polars.DataFrame(
    {
        "replica": NUMBERS,
        "arm": ["twin"] * 2 + ["near"] * 2 + ["other"] * 3,
        "group_number": [1, 0, 0, 0, 1, 1, 1],
        "start_distance": [None, None, 0.06, 0.06, None, None, None],
        "distance": [0.0, 0.0, 2.0, 3.0, 4.0, 5.0, None],
        "diverged_step": [None] * 6 + [10],
        "floor_held": [True] * 7,
    },
    schema_overrides={"diverged_step": polars.Int64},
)
STATISTICS = polars.DataFrame(
    [
        (20, arm, metric, count, mean, 0.5, mean - 0.25, mean + 0.25)
        for arm, count in (("near", 2), ("other", 2))
        for metric, mean in (
            ("distance", 2.5),
            ("relative_now", 0.25),
            ("counterfactual_accuracy", 0.96875),
            ("test_accuracy_difference", -0.03125),
            ("test_loss_difference", 0.125),
            ("root_js", 0.0625),
        )
    ],
    schema=["step", "arm", "metric", "count", "mean", "sd", "low", "high"],
    orient="row",
)
BASELINE = polars.DataFrame(
    {"step": STEPS, "norm": [6.0, 6.5, 7.0], "lr": [0.01] * 3}
    | {name: [0.5, 0.25, 0.125] for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy")}
)
ALIGNMENTS = polars.DataFrame(
    {"step": [20] * 5, "replica": [0, 1, 2, 3, 4], "distance": [2.0, 3.0, 4.0, 5.0, None]}
    | {"aligned_distance": [1.0, 1.0, 3.0, 3.0, None]}
)
BARRIERS = polars.DataFrame(
    [
        (20, replica, aligned, split, quantity, 0.5 if split == "test" and not aligned else 0.125)
        for replica in range(5)
        for aligned in (False, True)
        for split in ("train", "test")
        for quantity in ("loss", "error")
    ],
    schema=["step", "replica", "aligned", "split", "quantity", "max_minus_ends"],
    orient="row",
)
GROWTH = polars.DataFrame(
    [
        ("near", "linear", 1.0, 0.5, -30.0, 0.0, 2, 1, 20),
        ("near", "sqrt", 1.0, 0.25, -27.0, 3.0, 2, 1, 20),
        ("other", "linear", None, None, None, None, 2, 1, 20),
    ],
    schema=["arm", "law", "a", "b", "aic", "aic_difference", "points", "start", "stop"],
    orient="row",
)
EXPONENTS = polars.DataFrame(
    {"step": [10, 20], "index": [0, 0], "exponent": [0.5, 0.001], "exponent_per_epoch": [9.0, 0.023]}
)
STABILITY = polars.DataFrame(
    {"arm": ["other"], "after": [5], "barrier": [0.015], "aligned_barrier": [None], "stable": [True]}
    | {"stability_time": [5]},
    schema_overrides={"aligned_barrier": polars.Float64},
)
TABLES = {
    "replicas": ROWS,
    "replica_metrics": METRICS,
    "replica_statistics": STATISTICS,
    "replica_baseline": BASELINE,
    "replica_alignments": ALIGNMENTS,
    "replica_barriers": BARRIERS,
    "replica_growth": GROWTH,
    "replica_exponents": EXPONENTS,
    "replica_stability": STABILITY,
}
