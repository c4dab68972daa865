"""What a bracket job found, for people: tables of pairs, fits and outputs with the sentences needed to read them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from holonomy.jobs import BracketsJob
from holonomy.report_layout import digits, number, plain_table, section, signed
from holonomy.report_reductions import DEFECTS_NOTE, defects_table, method_section, reduction_sections
from schemas.api import Manifest, ServiceStatus
from schemas.brackets import Brackets

if TYPE_CHECKING:
    import polars

EXTREMES = 3
"""Pairs shown from either end, and outputs shown, per checkpoint."""

RUN_NOTE = (
    "Losses and accuracies over the whole train and test split, with the model in eval mode. Brackets are taken at "
    "these checkpoints, with BatchNorm's statistics held fixed."
)

PAIRS_NOTE = (
    "Values are of [v_i, v_j] = H_j g_i − H_i g_j, where g = ∇L, H = ∇²L and v = −g of one example, in units of "
    "loss² per parameter³, and carry no power of the learning rate: exchanging two SGD steps moves the parameters by "
    "lr² times the bracket. The defect is the norm divided by ‖g_i‖ ‖g_j‖. Brackets are antisymmetric, "
    "[v_j, v_i] = −[v_i, v_j], so that norms, and a table of RMS values, are symmetric in i and j: each pair is "
    "listed once."
)
FITS_NOTE = (
    "Over parameter tensors: log10 of the bracket's RMS against log10 of the gradient's. At slope 1 they are "
    "proportional: the log10 ratio is the factor between them, the scatter is the standard deviation around that "
    "line, in decades (0.2 is a factor of 1.6), and where R² is negative, a constant describes the tensors better. "
    "The slope and r are those of the least-squares line. Tensors with a gradient or a bracket of exactly 0 are "
    "left out."
)
OUTPUTS_NOTE = (
    "Root mean square over pairs and test examples of J_t [v_i, v_j]; to be scaled by lr². A logit may move far only "
    "because its probability is undecided: the last column multiplies by p(1 − p) and is the order shown."
)


def brackets_report(job: BracketsJob, spec: Brackets) -> Iterator[RenderableType]:
    """What the job found, per checkpoint, in one section for each of the reductions that its spec asks for."""
    yield from section("The training run", run_table(job.checkpoints()), RUN_NOTE)
    if spec.norms:
        yield from _pairs_sections(job, spec)
    yield from reduction_sections(job, spec)


def _pairs_sections(job: BracketsJob, spec: Brackets) -> Iterator[RenderableType]:
    fits = job.fits()
    yield from section(
        "Largest and smallest brackets",
        pairs_table(extreme_pairs(job, fits["step"].unique(maintain_order=True).to_list())),
        PAIRS_NOTE,
    )
    yield from method_section(job, spec)
    yield from section("Defects, beside random directions", defects_table(job.defects()), DEFECTS_NOTE)
    yield from section("Are brackets proportional to gradients?", fits_table(fits), FITS_NOTE)
    outputs = job.outputs()
    if not outputs.is_empty():
        flags = f"`holonomy flags {job.id}` says which stand out, and what the labels suggest as the cause."
        yield from section("Most moved outputs", outputs_table(outputs), f"{OUTPUTS_NOTE} {flags}")


def run_table(checkpoints: "polars.DataFrame") -> Table:
    """Checkpoints of the training run as a table."""
    table = plain_table("step", "train loss", "test loss", "train accuracy", "test accuracy", "‖θ‖")
    for row in checkpoints.iter_rows(named=True):
        losses = (digits(row["train_loss"]), digits(row["test_loss"]))
        shares = (f"{row['train_accuracy']:.4f}", f"{row['test_accuracy']:.4f}", f"{row['parameter_norm']:.3f}")
        table.add_row(str(row["step"]), *losses, *shares)
    return table


def extreme_pairs(job: BracketsJob, steps: list[int]) -> "polars.DataFrame":
    """The pairs of largest and of smallest bracket norm at each checkpoint, chosen on the server."""
    import polars

    columns = ("step", "i", "j", "bracket_norm", "bracket_rms", "defect", "cosine_i", "cosine_j")
    frames = list["polars.DataFrame"]()
    for step in steps:
        for order in ("-bracket_norm", "bracket_norm"):
            frames.append(job.pairs(step, columns=columns, order_by=order, limit=EXTREMES))
    # With few pairs, the largest and the smallest overlap.
    found = polars.concat(frames).unique(("step", "i", "j"))
    return found.sort("step", "bracket_norm", descending=(False, True))


def pairs_table(pairs: "polars.DataFrame") -> Table:
    """Pairs as a table: of each checkpoint the largest, then the smallest."""
    table = plain_table("step", "", "i", "j", "‖[v_i, v_j]‖", "RMS", "defect", "cos g_i", "cos g_j")
    for _, group in pairs.group_by("step", maintain_order=True):
        for index, row in enumerate(group.iter_rows(named=True)):
            where = {0: (str(row["step"]), "largest"), EXTREMES: ("", "smallest")}.get(index, ("", ""))
            norms = (number(row["bracket_norm"]), number(row["bracket_rms"]), digits(row["defect"]))
            cosines = (f"{row['cosine_i']:+.3f}", f"{row['cosine_j']:+.3f}")
            table.add_row(*where, str(row["i"]), str(row["j"]), *norms, *cosines)
    return table


def fits_table(fits: "polars.DataFrame") -> Table:
    """Proportionality fits as a table, one row per checkpoint and part of the bracket."""
    table = plain_table("step", "part", "tensors", "left out", "log10 ratio", "scatter", "R²", "slope", "r")
    for row in fits.iter_rows(named=True):
        part = {"gauss_newton": "G.–N."}.get(row["part"], row["part"])
        counts = (str(row["step"]), part, str(row["tensors"]), str(row["excluded"]))
        scatter = row["residual_sd_decades"]
        proportional = (signed(row["intercept"]), "—" if scatter is None else f"{scatter:.3f}")
        free = (signed(row["slope"]), signed(row["pearson_r"]))
        table.add_row(*counts, *proportional, signed(row["r_squared_slope_1"]), *free)
    return table


def outputs_table(outputs: "polars.DataFrame") -> Table:
    """The outputs whose probabilities move most at each checkpoint."""
    table = plain_table("step", "output", "label", "rate", "logit RMS", "logit max", "p(1 − p) RMS")
    for _, group in outputs.group_by("step", maintain_order=True):
        largest = group.sort("probability_rms", descending=True).head(EXTREMES)
        for index, row in enumerate(largest.iter_rows(named=True)):
            step = "" if index else str(row["step"])
            moved = (number(row["logit_rms"]), number(row["logit_max"]), number(row["probability_rms"]))
            table.add_row(step, str(row["output"]), escape(row["label"]), f"{row['label_rate']:.3f}", *moved)
    return table


def whereabouts(job: BracketsJob, manifest: Manifest, status: ServiceStatus) -> str:
    """Where everything is stored, and how to query it from the shell, from Python and in SQL."""
    step, i, j = job.pairs(columns=("step", "i", "j"), order_by="-bracket_norm", limit=1).row(0)
    size = sum(ref.size_bytes for ref in manifest.objects) / 2**20
    return f"""Stored as job {job.id}, spec digest {manifest.digest}
  rows     Postgres {status.database}, schema results
  arrays   bucket {status.bucket}: {len(manifest.objects)} objects, {size:.1f} MiB

Query it
  shell    holonomy results {job.id} --table pairs --step {step} --order-by=-bracket_norm --limit 10
  Python   from holonomy import Client
           job = Client().job({job.id})
           job.pairs(step={step}, order_by="-bracket_norm", limit=10)
           job.logits({i}, {j}, step={step}); job.bracket({i}, {j}, step={step}); job.checkpoints()
  SQL      select i, j, bracket_norm from results.pairs
           where job_id = {job.id} and step = {step} order by bracket_norm desc limit 10
           (`holonomy status` shows how to connect)"""  # noqa: S608 - text to show
