"""`holonomy results`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.jobs import JobNumber
from holonomy.cli.output import console, print_rows
from holonomy.client import Client
from holonomy.errors import Refused
from holonomy.handle import JobHandle
from holonomy.jobs import BracketsJob, TrainingJob
from holonomy.report import brackets_report
from schemas.results import RESULT_TABLES

if TYPE_CHECKING:
    import polars

PEOPLE_SEE = 50
"""Rows printed as a table when no limit is asked for."""
READING_ORDER = {"pairs": "step,-bracket_norm", "tensors": "step,position"}
"""How tables are ordered when nothing is asked for, where that is not by their keys."""
READING_COLUMNS = {
    "pairs": "step,i,j,bracket_norm,bracket_rms,defect,cosine_i,cosine_j,gradient_cosine,cancellation,logit_rms"
}
"""What people are shown of tables that are too wide for them, when nothing is asked for."""
DEFAULT_TABLES: dict[type[JobHandle], str] = {BracketsJob: "pairs", TrainingJob: "checkpoints"}


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
    limit: Annotated[int | None, typer.Option(help="At most so many rows; tables for people stop at 50.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as a JSON list of objects.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
) -> None:
    """Show what a job found: a report, or rows of one of its tables."""
    with Client() as client:
        handle = client.job(job)
        chosen = (table, step, where, columns, order_by, limit)
        if (
            isinstance(handle, BracketsJob)
            and not (as_json or as_csv)
            and not any(item is not None for item in chosen)
        ):
            for part in brackets_report(handle):
                console().print(part)
            return
        name = table or _default_table(handle)
        if not (as_json or as_csv):
            columns, limit = columns or READING_COLUMNS.get(name), limit or PEOPLE_SEE
        rows = handle.table(
            name,
            columns=None if columns is None else [column.strip() for column in columns.split(",")],
            where=[*(where or ()), *([] if step is None else [f"step == {step}"])],
            order_by=order_by or READING_ORDER.get(name),
            limit=limit,
        )
    _print(rows, f"{name} of job {job}", as_json=as_json, as_csv=as_csv)


def _default_table(job: JobHandle) -> str:
    name = DEFAULT_TABLES.get(type(job))
    if name is None:
        raise Refused(f"a {job.kind} job has no results; `holonomy show {job.id}` shows how it went")
    return name


def _print(rows: "polars.DataFrame", title: str, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows.to_dicts(), ensure_ascii=False))
    elif as_csv:
        typer.echo(rows.write_csv(), nl=False)
    else:
        print_rows(rows, title)
