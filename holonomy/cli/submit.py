"""`holonomy submit`."""

from typing import Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.labels import Project, Tags
from holonomy.cli.output import print_json, show, tell
from holonomy.cli.render_preview import preview_table, preview_totals
from holonomy.cli.specfile import read_spec
from holonomy.cli.watching import watch_sweep_to_end, watch_to_end
from holonomy.client import Client
from holonomy.errors import Refused
from holonomy.handle import JobHandle
from holonomy.labels import JobLabels, SweepLabels
from holonomy.sweeps import SweepHandle
from schemas.jobs import DEFAULT_PROJECT, AnyJob
from schemas.states import JobState, SweepState
from schemas.sweeps import Sweep

PEOPLE_SEE = 50
"""Rows of a dry run that are printed."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reported(submit))


def submit(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Spec in YAML or JSON; - reads standard input.")],
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until it has ended.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Submit nothing: show the jobs, which are done already, and what they cost."),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Compute again even when the same spec was submitted before.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="A label for people.")] = None,
    project: Project = DEFAULT_PROJECT,
    tag: Tags = None,
    priority: Annotated[int, typer.Option(help="From -100 to 100; higher goes first.")] = 0,
    max_running_blocks: Annotated[
        int | None, typer.Option(help="At most this many blocks, of the job or of the whole sweep, run at once.")
    ] = None,
    max_running_jobs: Annotated[
        int | None, typer.Option(help="At most this many jobs of the sweep run at once.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the job, the sweep or the dry run as JSON.")] = False,
) -> None:
    """Submit a job or a sweep. The same spec submitted again gives the same job, the same sweep the same sweep."""
    if wait and dry_run:
        raise Refused("a dry run submits nothing to wait for: leave --wait or --dry-run out")
    spec = read_spec(file)
    if max_running_jobs is not None and not isinstance(spec, Sweep):
        raise Refused("--max-running-jobs is for sweeps; a job has --max-running-blocks")
    labels: JobLabels = {
        "fresh": fresh,
        "name": name,
        "project": project,
        "tags": tuple(tag or ()),
        "priority": priority,
        "max_running_blocks": max_running_blocks,
    }
    with Client() as client:
        if dry_run:
            _preview(client, spec, {**labels, "max_running_jobs": max_running_jobs}, as_json=as_json)
        elif isinstance(spec, Sweep):
            made = client.submit(spec, **labels, max_running_jobs=max_running_jobs)
            _told_sweep(made, wait=wait, as_json=as_json)
        else:
            _told_job(client.submit(spec, **labels), wait=wait, as_json=as_json)


def _told_job(job: JobHandle, *, wait: bool, as_json: bool) -> None:
    tell(f"job {job.id} submitted" if job.created else f"job {job.id}: this spec was submitted before")
    ended = job.seen.state if job.seen.state in (JobState.FAILED, JobState.CANCELLED) else None
    final = watch_to_end(job) if wait else job.status()
    if as_json:
        print_json(final)
    elif ended is not None and not wait:
        tell(f"it is {ended}: `holonomy retry {job.id}` goes on with it, --fresh computes it anew")
    elif not wait:
        tell(f"`holonomy watch {job.id}` shows its progress, `holonomy results {job.id}` what it found")


def _told_sweep(sweep: SweepHandle, *, wait: bool, as_json: bool) -> None:
    total = sweep.seen.jobs_total
    if sweep.created:
        there = total - sweep.jobs_created
        tell(f"sweep {sweep.id} submitted: {total:,} jobs" + (f", {there:,} of them there already" if there else ""))
    else:
        tell(f"sweep {sweep.id}: this sweep was submitted before")
    ended = sweep.seen.state if sweep.seen.state in (SweepState.FAILED, SweepState.CANCELLED) else None
    final = watch_sweep_to_end(sweep) if wait else sweep.status()
    if as_json:
        print_json(final)
    elif ended is not None and not wait:
        tell(f"it is {ended}: `holonomy sweep retry {sweep.id}` goes on with it, --fresh computes it anew")
    elif not wait:
        tell(f"`holonomy sweep watch {sweep.id}` shows its progress, `holonomy sweep show {sweep.id}` how it stands")


def _preview(client: Client, spec: AnyJob | Sweep, labels: SweepLabels, *, as_json: bool) -> None:
    found = client.preview(spec, **labels)
    if as_json:
        print_json(found)
        return
    show(preview_table(found.jobs[:PEOPLE_SEE]))
    shown = min(PEOPLE_SEE, len(found.jobs))
    if shown < found.total:
        tell(f"these are the first {shown:,} of {found.total:,} jobs; --json prints all")
    for line in preview_totals(found):
        tell(line)
