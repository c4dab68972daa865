"""Sections of a report for what a job computed beside norms, and for how right its numbers are."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from holonomy.jobs import BracketsJob
from holonomy.report_layout import digits, number, plain_table, section, signed, small
from schemas.brackets import Brackets
from schemas.states import BlockState

if TYPE_CHECKING:
    import polars

SHOWN_TARGETS = 3
"""Targets of projections shown, per checkpoint."""
SHOWN_PAIRS = 3
"""Pairs of minibatches shown, per checkpoint."""
EXAMINED_BLOCKS = 10_000
"""Blocks of a job that are asked which path they took."""

METHOD_NOTE = (
    "Pairs whose two terms nearly cancel are taken again in float64. Verified pairs were computed once more on the "
    "generic path in float64; the errors are the largest among them: of the norm and of the RMS of a tensor, "
    "relative, and of logit perturbations, relative to the largest. `verify: 8` in the spec verifies eight pairs."
)
DEFECTS_NOTE = (
    "The defect is ‖[v_i, v_j]‖ / (‖g_i‖ ‖g_j‖), over all pairs: median and 5 % and 95 % quantiles. The null has "
    "random directions as long as the gradients in their place: the last column, median over median, says how many "
    "times more the gradients themselves meet curvature."
)
PROJECTIONS_NOTE = (
    "q · [v_i, v_j] for the two pairs at the ends. Positive: i before j leaves the larger test loss, or logit, by "
    "lr² times the value. `--table projections` of `holonomy results` has all."
)
MINIBATCHES_NOTE = (
    "Brackets of the mean gradients of two batches, b and c by their place in the spec; examples in both cancel. "
    "Means shrink with the size of batches: compare batches of one size."
)
REORDERINGS_NOTE = (
    "Steps taken exactly in two orders, against what brackets predict. The relative error of the predicted end point "
    "is first order in lr; an accuracy of 0.5 is a coin; r is the correlation of the two differences of test loss."
)


def method_section(job: BracketsJob, spec: Brackets) -> Iterator[RenderableType]:
    """Which path computed the brackets of each checkpoint, and how right they are."""
    tiles = [block.data for block in islice(job.blocks(BlockState.DONE), EXAMINED_BLOCKS) if "path" in block.data]
    verified = job.verifications() if spec.verify else None
    yield from section("How they were computed", method_table(tiles, verified), METHOD_NOTE)


def method_table(tiles: Sequence[dict[str, Any]], verified: "polars.DataFrame | None") -> Table:
    """Paths, pairs taken again in float64 and the largest errors found, per checkpoint."""
    table = plain_table("step", "path", "pairs", "in float64", "verified", "norm err.", "tensor err.", "logit err.")
    pairs, recomputed, paths = Counter[int](), Counter[int](), dict[int, set[str]]()
    for data in tiles:
        if "recomputed" in data:
            pairs[data["step"]] += data["pairs"]
            recomputed[data["step"]] += data["recomputed"]
            paths.setdefault(data["step"], set()).add(data["path"])
    for step in sorted(paths):
        errors = ["0", "—", "—", "—"]
        if verified is not None:
            rows = verified.filter(verified["step"] == step)
            worst = [rows[name].max() for name in ("norm_error", "tensor_error", "logit_error")]
            errors = [str(len(rows)), *map(small, worst)]
        done = (f"{pairs[step]:,}", f"{recomputed[step]:,}")
        table.add_row(str(step), ", ".join(sorted(paths[step])), *done, *errors)
    return table


def defects_table(defects: "polars.DataFrame") -> Table:
    """Defects beside those of random directions, per checkpoint."""
    table = plain_table("step", "pairs", "median", "5 %", "95 %", "null pairs", "null median", "times null")
    for row in defects.iter_rows(named=True):
        null = row["null_median"]
        times = None if not null or row["median"] is None else row["median"] / null
        spread = (digits(row["median"]), digits(row["low"]), digits(row["high"]))
        beside = (str(row["null_pairs"]), digits(null), "—" if times is None else f"{times:.1f}")
        table.add_row(str(row["step"]), f"{row['pairs']:,}", *spread, *beside)
    return table


def reduction_sections(job: BracketsJob, spec: Brackets) -> Iterator[RenderableType]:
    """Projections, minibatches and reorderings, those that the spec asks for and that have rows."""
    if spec.projections:
        ends = projection_ends(job, spec)
        if ends:
            yield from section("Pairs that move a target most", projections_table(ends), PROJECTIONS_NOTE)
    if spec.minibatches:
        batches = job.minibatches()
        if not batches.is_empty():
            yield from section("Largest brackets of minibatches", minibatches_table(batches), MINIBATCHES_NOTE)
    if spec.reorderings is not None:
        accuracy = job.order_accuracy()
        if not accuracy.is_empty():
            yield from section(
                f"Do brackets predict reorderings at lr {spec.reorderings.lr:g}?",
                reorderings_table(accuracy),
                REORDERINGS_NOTE,
            )


def projection_ends(job: BracketsJob, spec: Brackets) -> list[dict[str, Any]]:
    """The largest and the smallest projection on each of the first targets, per checkpoint, chosen on the server."""
    return [
        row
        for step in spec.checkpoints
        for target in spec.projections[:SHOWN_TARGETS]
        for order in ("-value", "value")
        for row in job.projections(step, target.label, order_by=order, limit=1).iter_rows(named=True)
    ]


def projections_table(ends: Sequence[dict[str, Any]]) -> Table:
    """The ends of projections: of each checkpoint and target the largest, then the smallest."""
    table = plain_table("step", "target", "i", "j", "q · [v_i, v_j]")
    for row in ends:
        values = (str(row["i"]), str(row["j"]), f"{row['value']:+.3e}")
        table.add_row(str(row["step"]), escape(row["target"]), *values)
    return table


def minibatches_table(batches: "polars.DataFrame") -> Table:
    """The pairs of minibatches with the largest brackets, per checkpoint."""
    table = plain_table("step", "b", "c", "shared", "‖[v_b, v_c]‖", "RMS", "defect", "cancellation")
    for _, group in batches.sort("step", "bracket_norm", descending=(False, True)).group_by(
        "step", maintain_order=True
    ):
        for row in group.head(SHOWN_PAIRS).iter_rows(named=True):
            where = (str(row["step"]), str(row["b"]), str(row["c"]), str(row["shared"]))
            norms = (number(row["bracket_norm"]), number(row["bracket_rms"]), digits(row["defect"]))
            table.add_row(*where, *norms, digits(row["cancellation"]))
    return table


def reorderings_table(accuracy: "polars.DataFrame") -> Table:
    """How well brackets predict reorderings, per checkpoint."""
    table = plain_table("step", "reorderings", "agreeing", "accuracy", "r", "median relative error")
    for row in accuracy.iter_rows(named=True):
        counts = (str(row["step"]), f"{row['reorderings']:,}", f"{row['agreeing']:,}")
        rate = "—" if row["accuracy"] is None else f"{row['accuracy']:.3f}"
        table.add_row(*counts, rate, signed(row["pearson_r"]), small(row["median_relative_error"]))
    return table
