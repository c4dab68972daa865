"""What a replica job found, for people: per arm how far replicas drifted, and whether the floor under that held."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from holonomy.replicas import ReplicasJob
from holonomy.report_layout import plain_table, remark, section, signed
from schemas.replicas import Replicas

if TYPE_CHECKING:
    import polars

SHOWN_STEPS = 12
"""Checkpoints of the baseline shown; of more, the first and the last ones."""

BASELINE_NOTE = (
    "The baseline at its checkpoints, model in eval mode; over both whole splits there. All distances are to it, at "
    "the same step."
)
DRIFT_NOTE = (
    "Means over the n replicas of an arm that stayed finite. ε is that of the arm's first perturbation with one; "
    "start and end are ‖w_i − w_0‖ just after the first move and after the last step, with the standard deviation "
    "over replicas (n − 1) and the bootstrap interval of the mean; relative is the end over ‖w_0‖ then."
)
ANSWERS_NOTE = (
    "Means of the same replicas after the last step, on the test split. cf. acc. is the counterfactual accuracy: the "
    "share of examples on which a replica predicts what the baseline does, right or wrong; 1 less that is the churn. "
    "Accuracy and loss are the replica's less the baseline's; √JS is the mean Jensen–Shannon distance of the "
    "predicted distributions, at most 0.83 per label."
)
PATHS_NOTE = (
    "At the end. Aligned: after the best permutation of hidden units that weight matching found; the search may miss "
    "a better one, so that these are upper bounds. Barriers are the largest value on the straight path less the mean "
    "of its ends, on the test split, BatchNorm re-estimated on the way; below 0.02 in error two runs usually count "
    "as linearly connected."
)
GROWTH_NOTE = (
    "The law of least AIC for an arm's mean distance, among a·e^(bt) (exp), a + bt, a + b√t and a·t^b, and by how "
    "much the next one is worse: below 2, the looks do not tell them apart. Looks are no independent draws, so that "
    "AIC overstates its case. A dash: fewer than three looks in the window."
)
EXPONENTS_NOTE = (
    "Mean logarithmic growth of a tangent along the baseline, over the whole run, in the full state of the "
    "optimizer. Positive: infinitesimal differences grow. It says nothing of differences that are not small."
)
STABILITY_NOTE = (
    "Arms share the baseline's batches up to `after`. The stability time is the earliest such step from which on the "
    "barrier in test error stays below the limit of the spec."
)


def replicas_report(job: ReplicasJob) -> Iterator[RenderableType]:
    """What the job found, in one section for each thing that its spec asks for."""
    spec, replicas = job.spec, job.replicas()
    yield from section("The baseline", baseline_table(job.baseline(), spec.training.checkpoints), BASELINE_NOTE)
    end = job.statistics(step=spec.training.steps)
    yield from section("How far replicas drifted", drift_table(spec, replicas, end), DRIFT_NOTE)
    yield floor(replicas)
    yield from section("How their answers differ", answers_table(spec, end), ANSWERS_NOTE)
    if lost := diverged(replicas):
        yield lost
    if spec.alignment is not None or spec.barriers is not None:
        yield from section("Paths to the baseline", paths_table(job), PATHS_NOTE)
    growth = job.growth()
    if not growth.is_empty():
        yield from section("How distances grow", growth_table(growth, spec.arm_names), GROWTH_NOTE)
    if spec.lyapunov is not None:
        yield from section("Lyapunov exponents", exponents_table(job.exponents()), EXPONENTS_NOTE)
    stability = job.stability()
    if not stability.is_empty():
        yield from section(stability_title(stability, spec), stability_table(stability), STABILITY_NOTE)


def baseline_table(baseline: "polars.DataFrame", checkpoints: Sequence[int]) -> Table:
    """The baseline at its checkpoints."""
    half = SHOWN_STEPS // 2
    shown = checkpoints if len(checkpoints) <= SHOWN_STEPS else (*checkpoints[:half], *checkpoints[-half:])
    table = plain_table("step", "‖w_0‖", "train loss", "test loss", "train accuracy", "test accuracy", "lr")
    for row in baseline.filter(baseline["step"].is_in(shown)).iter_rows(named=True):
        losses = (short(row["train_loss"]), short(row["test_loss"]))
        shares = (f"{row['train_accuracy']:.4f}", f"{row['test_accuracy']:.4f}")
        table.add_row(str(row["step"]), short(row["norm"]), *losses, *shares, short(row["lr"]))
    return table


def drift_table(spec: Replicas, replicas: "polars.DataFrame", end: "polars.DataFrame") -> Table:
    """One row per arm: ε, replicas, distance at the start and at the end, relative."""
    interval = f"{100 * spec.bootstrap.level:g} % interval"
    table = plain_table("arm", "ε", "n", "start", "end", "s.d.", interval, "relative")
    for name, arm in zip(spec.arm_names, spec.arms, strict=True):
        start = replicas.filter(replicas["arm"] == name)["start_distance"].mean()
        found = of_arm(end, name)
        distance = found.get("distance", {})
        table.add_row(
            escape(name),
            short(arm.epsilon),
            str(distance.get("count", 0)),
            short(start),
            short(distance.get("mean")),
            short(distance.get("sd")),
            between(distance.get("low"), distance.get("high")),
            short(found.get("relative_now", {}).get("mean")),
        )
    return table


def answers_table(spec: Replicas, end: "polars.DataFrame") -> Table:
    """One row per arm: how its answers differ from the baseline's at the end."""
    table = plain_table("arm", "cf. acc.", "accuracy", "loss", "√JS")
    for name in spec.arm_names:
        found = of_arm(end, name)
        agreeing, accuracy, loss, divergence = (
            found.get(metric, {}).get("mean")
            for metric in ("counterfactual_accuracy", "test_accuracy_difference", "test_loss_difference", "root_js")
        )
        table.add_row(
            escape(name),
            "—" if agreeing is None else f"{agreeing:.4f}",
            "—" if accuracy is None else f"{accuracy:+.4f}",
            small_signed(loss),
            short(divergence),
        )
    return table


def of_arm(statistics: "polars.DataFrame", name: str) -> dict[str, dict[str, Any]]:
    """Rows of an arm's statistics at one look, by metric."""
    return {row["metric"]: row for row in statistics.filter(arm=name).iter_rows(named=True)}


def floor(replicas: "polars.DataFrame") -> Text:
    """A remark on the twins: held, or loudly not."""
    twins = replicas.filter(replicas["replica"] < 0)
    broken = twins.filter(~twins["floor_held"])
    if broken.is_empty():
        return remark(
            f"Floor: held. The ε = 0 twin of {groups(len(twins))} was bit by bit the baseline to the end, and so "
            "were all copies of the baseline.",
            "bold",
        )
    worst = broken["distance"].max()
    numbers = ", ".join(str(number) for number in broken["group_number"].sort())
    return remark(
        f"FLOOR NOT HELD in group {numbers}: an unperturbed twin, or a copy of the baseline, came out different "
        f"(twins by up to {short(worst)}). Distances of that order are not due to the perturbation: the arithmetic "
        "of the device is not deterministic, or groups were trained on different kinds of device.",
        "bold red",
    )


def groups(number: int) -> str:
    """A number of groups in words."""
    return "the one group" if number == 1 else f"each of {number} groups"


def diverged(replicas: "polars.DataFrame") -> Text | None:
    """A remark on replicas that did not stay finite; None where all did."""
    lost = replicas.filter(replicas["diverged_step"].is_not_null() & (replicas["replica"] >= 0))
    if lost.is_empty():
        return None
    by_arm = lost.group_by("arm", maintain_order=True).len()
    counts = ", ".join(f"{count} of arm {arm}" for arm, count in by_arm.iter_rows())
    first = lost["diverged_step"].sort()[0]
    return remark(
        f"Diverged: {counts}, first seen at step {first}. They are left out of means, which are those of "
        "the survivors.",
        "bold red",
    )


def paths_table(job: ReplicasJob) -> Table:
    """One row per arm: distances and barriers at the end, as they are and aligned."""
    import polars

    spec, last = job.spec, job.spec.training.steps
    table = plain_table("arm", "distance", "aligned", "error barrier", "aligned", "loss barrier", "aligned")
    alignments = None if spec.alignment is None else job.alignments(last)
    barriers = None if spec.barriers is None else job.barriers(last).filter(polars.col("split") == "test")
    for name in spec.arm_names:
        distances = ["—", "—"]
        if alignments is not None:
            own = alignments.filter(polars.col("arm") == name)
            distances = [short(own[column].mean()) for column in ("distance", "aligned_distance")]
        heights = ["—"] * 4
        if barriers is not None:
            heights = [
                signed_mean(barriers.filter(arm=name, quantity=quantity, aligned=aligned)["max_minus_ends"])
                for quantity in ("error", "loss")
                for aligned in (False, True)
            ]
        table.add_row(escape(name), *distances, *heights)
    return table


def growth_table(growth: "polars.DataFrame", arms: Sequence[str]) -> Table:
    """One row per arm: its law of least AIC."""
    table = plain_table("arm", "law", "a", "b", "next", "worse by", "looks", "steps")
    for name in arms:
        laws = growth.filter((growth["arm"] == name) & growth["aic"].is_not_null()).sort("aic")
        if laws.is_empty():
            table.add_row(escape(name), *["—"] * 7)
            continue
        best, after = laws.row(0, named=True), laws.row(1, named=True) if len(laws) > 1 else None
        following = ("—", "—") if after is None else (law_name(after["law"]), short(after["aic_difference"]))
        window = f"{best['start']}–{best['stop']}"
        table.add_row(
            escape(name),
            law_name(best["law"]),
            short(best["a"]),
            short(best["b"]),
            *following,
            str(best["points"]),
            window,
        )
    return table


def law_name(law: str) -> str:
    """A law in a few letters, since two of them stand in one line."""
    return "exp" if law == "exponential" else law


def exponents_table(exponents: "polars.DataFrame") -> Table:
    """The exponents over the whole run."""
    table = plain_table("exponent", "per step", "per epoch", "over steps")
    for row in exponents.filter(exponents["step"] == exponents["step"].max()).iter_rows(named=True):
        rates = (small_signed(row["exponent"]), small_signed(row["exponent_per_epoch"]))
        table.add_row(str(row["index"]), *rates, str(row["step"]))
    return table


def stability_title(stability: "polars.DataFrame", spec: Replicas) -> str:
    """What the section says first."""
    time = stability["stability_time"][0]
    limit = f"(barrier below {spec.stability_error:g})"
    return f"No arm is stable {limit}" if time is None else f"Stability time: step {time} {limit}"


def stability_table(stability: "polars.DataFrame") -> Table:
    """Arms that leave the baseline's batches, and their barriers at the end."""
    table = plain_table("arm", "after", "error barrier", "aligned", "stable")
    for row in stability.iter_rows(named=True):
        heights = (signed(row["barrier"]), signed(row["aligned_barrier"]))
        table.add_row(escape(row["arm"]), str(row["after"]), *heights, "yes" if row["stable"] else "no")
    return table


def short(value: Any) -> str:
    """Three significant digits."""
    return "—" if value is None else f"{value:.3g}"


def between(low: Any, high: Any) -> str:
    """An interval."""
    return "—" if low is None or high is None else f"{short(low)}–{short(high)}"


def signed_mean(values: "polars.Series") -> str:
    """The mean of what is there, with its sign."""
    return signed(values.mean())


def small_signed(value: Any) -> str:
    """A rate: three digits with the sign, in powers of ten."""
    return "—" if value is None else f"{value:+.2e}"
