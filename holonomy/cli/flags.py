"""`holonomy flags`."""

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from holonomy.cli.faults import reported
from holonomy.cli.jobs import AsJson, JobNumber
from holonomy.cli.output import console, print_json
from holonomy.client import Client
from holonomy.errors import NotFound, Refused
from holonomy.flag_words import flag_lines
from holonomy.flags import flag_outputs
from holonomy.handle import raise_unless_done
from holonomy.jobs import BracketsJob
from schemas.brackets import Brackets
from schemas.losses import CrossEntropy, GroupedCrossEntropy, Loss


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reported(flags))


def flags(
    job: JobNumber,
    step: Annotated[int | None, typer.Option(help="The checkpoint; the last one by default.")] = None,
    softmax: Annotated[
        int | None,
        typer.Option(
            metavar="JOB2", help="A brackets job with a softmax over the labels in question, to compare with."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say which outputs swaps of training examples move most, and what the labels suggest as the cause."""
    with Client() as client:
        rows, loss = _outputs(client, job, step)
        others, groups = None, None
        if softmax is not None:
            others, other_loss = _outputs(client, softmax, step)
            groups = _compared(softmax, other_loss, others)
    try:
        report = flag_outputs(rows, others, groups, _groups(loss, rows))
    except ValueError as error:
        raise Refused(str(error)) from error
    if as_json:
        print_json(asdict(report))
        return
    width = console().width
    for line in flag_lines(report):
        typer.echo(textwrap.fill(line, width, subsequent_indent="   ", break_on_hyphens=False))


def _outputs(client: Client, number: int, step: int | None) -> tuple[list[dict[str, Any]], Loss]:
    """Rows of `outputs` of a job at a checkpoint, the last by default, and the loss of its run."""
    job = client.job(number)
    spec = job.detail().spec
    if not isinstance(job, BracketsJob) or not isinstance(spec, Brackets):
        raise Refused(f"outputs are those of brackets jobs, job {number} is a {job.kind} job: name another")
    if spec.perturbed == "none":
        raise Refused(
            f"job {number} took no logit perturbations, so that no output can be judged: submit it with "
            "test_examples and norms on"
        )
    where = [] if step is None else [f"step == {step}"]
    rows = job.table("outputs", where=where, order_by=("-step", "output"), limit=None).to_dicts()
    if not rows:
        raise_unless_done(job.status())
        raise NotFound(
            f"job {number} has no outputs"
            + ("" if step is None else f" at step {step}")
            + f": `holonomy results {number} --table outputs` shows those that it has"
        )
    return [row for row in rows if row["step"] == rows[0]["step"]], spec.training.loss


def _compared(number: int, loss: Loss, rows: Sequence[dict[str, Any]]) -> list[set[str]] | None:
    """Labels between which the job to compare with has a softmax, None for all."""
    match loss:
        case CrossEntropy():
            return None
        case GroupedCrossEntropy():
            return _groups(loss, rows)
        case _:
            raise Refused(
                f"job {number} has no softmax head, its loss is {loss.kind}: compare with a job whose loss is "
                "cross_entropy or grouped_cross_entropy"
            )


def _groups(loss: Loss, rows: Sequence[dict[str, Any]]) -> list[set[str]]:
    """Labels between which a job has a softmax of its own."""
    labels = {row["output"]: row["label"] for row in rows}
    match loss:
        case CrossEntropy():
            return [set(labels.values())]
        case GroupedCrossEntropy():
            named = [[labels.get(output) if isinstance(output, int) else output for output in g] for g in loss.groups]
            return [{label for label in group if label is not None} for group in named]
        case _:
            return []
