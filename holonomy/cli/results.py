"""`holonomy results`."""

import json
from typing import Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.jobs import JobNumber
from holonomy.cli.output import print_rows, show, tell
from holonomy.client import Client
from holonomy.errors import NotFound, Refused
from holonomy.handle import JobHandle, raise_unless_done
from holonomy.jobs import BracketsJob, TrainingJob
from holonomy.replicas import ReplicasJob
from holonomy.report import brackets_report
from holonomy.report_replicas import replicas_report
from schemas.brackets import Brackets
from schemas.replica_results import REPLICA_TABLES
from schemas.results import RESULT_TABLES
from schemas.states import TERMINAL_JOBS, JobState

PEOPLE_SEE = 50
"""Rows printed as a table when no limit is asked for."""
READING_ORDER = {
    "pairs": "step,-bracket_norm",
    "tensors": "step,position",
    "perturbations": "step,-norm_euclidean",
    "projections": "step,target,-value",
    "minibatches": "step,-bracket_norm",
    "outputs": "step,-multiple",
    "replica_statistics": "metric,arm,step",
    "replica_growth": "arm,aic",
}
"""How tables are ordered when nothing is asked for, where that is not by their keys."""
READING_COLUMNS = {
    "pairs": "step,i,j,bracket_norm,bracket_rms,defect,cosine_i,cosine_j,gradient_cosine,cancellation",
    "perturbations": "step,i,j,logit_rms,logit_max,norm_euclidean,norm_softmax,norm_bernoulli",
    "defects": "step,pairs,median,low,high,null_median,null_low,null_high",
    "verifications": "step,i,j,path,norm_error,tensor_error,cosine_error,logit_error",
    "reorderings": "step,i,j,items,relative_error,predicted_loss,realised_loss,agrees",
    "outputs": "step,label,multiple,flagged,rival,rival_lift",
    "replica_metrics": "step,replica,distance,relative_now,growth,cosine,test_loss_difference,churn",
    "replica_barriers": "step,replica,aligned,split,quantity,max_minus_ends,midpoint,mean_minus_chord",
}
"""What people are shown of tables that are too wide for them, when nothing is asked for."""
TABLES: dict[type[JobHandle], tuple[str, ...]] = {
    BracketsJob: (
        "pairs",
        "tensors",
        "fits",
        "defects",
        "verifications",
        "perturbations",
        "outputs",
        "projections",
        "minibatches",
        "reorderings",
        "order_accuracy",
    ),
    ReplicasJob: tuple(table.name for table in REPLICA_TABLES),
    TrainingJob: ("checkpoints", "training_steps"),
}
"""The tables that each kind of job fills; the first is shown when none is named."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reported(results))


def results(
    job: JobNumber,
    table: Annotated[str | None, typer.Option(help=f"One of {', '.join(RESULT_TABLES)}.")] = None,
    step: Annotated[int | None, typer.Option(help="Only this checkpoint.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(help="Condition such as 'bracket_norm > 0.1'; may be given several times.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns, separated by commas.")] = None,
    order_by: Annotated[
        str | None, typer.Option(help="Columns to order by, separated by commas; - for descending.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="At most so many rows; tables for people stop at 50.", min=1)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as a JSON list of objects.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
) -> None:
    """Show what a job found: a report, or rows of one of its tables."""
    if as_json and as_csv:
        raise Refused("rows are printed as JSON or as CSV: give --json or --csv, not both")
    for_people = not (as_json or as_csv)
    with Client() as client:
        handle = client.job(job)
        chosen = (table, step, where, columns, order_by, limit)
        if for_people and all(item is None or item == [] for item in chosen):
            if isinstance(handle, BracketsJob):
                spec = handle.detail().spec
                if isinstance(spec, Brackets):
                    _brackets_report(handle, spec)
                    return
            elif isinstance(handle, ReplicasJob):
                _replicas_report(handle)
                return
        name = _table_of(handle, table)
        wanted = columns or (READING_COLUMNS.get(name) if for_people else None)
        rows = handle.table(
            name,
            columns=wanted,
            where=[*(where or ()), *([] if step is None else [f"step == {step}"])],
            order_by=order_by or READING_ORDER.get(name),
            # One more than is shown tells whether there are more.
            limit=PEOPLE_SEE + 1 if for_people and limit is None else limit,
        )
        if for_people and rows.is_empty():
            tell(_why_empty(handle, name, filtered=bool(where) or step is not None))
            return
    if as_json:
        typer.echo(json.dumps(rows.to_dicts(), ensure_ascii=False))
    elif as_csv:
        typer.echo(rows.write_csv(), nl=False)
    else:
        more = limit is None and len(rows) > PEOPLE_SEE
        left_out = print_rows(rows.head(PEOPLE_SEE) if more else rows, f"{name} of job {job}", fit=columns is None)
        if more:
            tell(f"these are the first {PEOPLE_SEE} rows; --limit shows more, --csv and --json print all")
        if left_out:
            tell(f"no room for {', '.join(left_out)}; --columns chooses, --csv and --json print all")


def _brackets_report(job: BracketsJob, spec: Brackets) -> None:
    now = job.status()
    asked = {"projections": spec.projections, "minibatches": spec.minibatches, "reorderings": spec.reorderings}
    # With norms on, the fit is made last: before it there are rows, but no summary of a checkpoint.
    summaries = ["fits"] if spec.norms else [name for name, wanted in asked.items() if wanted]
    if all(job.table(name, columns=["step"], limit=1).is_empty() for name in summaries):
        raise_unless_done(now)
        first = "pairs" if spec.norms else summaries[0]
        raise NotFound(
            f"job {job.id} is {now.state} and has no report yet: `holonomy watch {job.id}` shows its progress, "
            f"`holonomy results {job.id} --table {first}` the rows so far"
        )
    if now.state is not JobState.DONE:
        tell(f"job {job.id} is {now.state}: this is what it has found so far")
    for part in brackets_report(job, spec):
        show(part)


def _replicas_report(job: ReplicasJob) -> None:
    now = job.status()
    # The summary of all groups is made last.
    if now.state is not JobState.DONE:
        raise_unless_done(now)
        raise NotFound(
            f"job {job.id} is {now.state} and has no report yet: `holonomy watch {job.id}` shows its progress, "
            f"`holonomy results {job.id} --table replica_metrics` the distances so far"
        )
    for part in replicas_report(job):
        show(part)


def _table_of(job: JobHandle, asked: str | None) -> str:
    """The table to show: the one asked for, or the first of the job's kind."""
    filled = TABLES.get(type(job))
    if filled is None:
        raise Refused(f"a {job.kind} job has no results; `holonomy show {job.id}` shows how it went")
    if asked is None or asked in filled or asked not in RESULT_TABLES:
        return asked or filled[0]
    parents = job.seen.parents
    other = f"; its training run has: `holonomy results {parents[0]} --table {asked}`" if parents else ""
    raise Refused(f"a {job.kind} job has no table {asked}, but {', '.join(filled)}{other}")


def _why_empty(job: JobHandle, table: str, *, filtered: bool) -> str:
    """Why a table of a job has no rows."""
    now = job.status()
    if now.state is not JobState.DONE:
        ended = now.state in TERMINAL_JOBS
        more = f"`holonomy show {job.id}` says why" if ended else f"`holonomy watch {job.id}` shows its progress"
        return f"job {job.id} has no {table}{'' if ended else ' yet'}: it is {now.state}; {more}"
    if filtered:
        return f"no {table} of job {job.id} match; `holonomy show {job.id}` lists its checkpoints and examples"
    return f"job {job.id} stored no {table}"
