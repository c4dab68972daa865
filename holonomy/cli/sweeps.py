"""`holonomy sweep`."""

import itertools
from typing import Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.jobs import AsJson
from holonomy.cli.labels import AtMost, Named, OfProject, Tagged
from holonomy.cli.output import console, print_json, tell
from holonomy.cli.output import show as show_part
from holonomy.cli.render_sweeps import sweep_table, sweep_text, swept_jobs_table
from holonomy.cli.watching import watch_sweep_to_end
from holonomy.client import Client
from holonomy.errors import Refused
from schemas.states import TERMINAL_SWEEPS, JobState, SweepState
from schemas.sweep_bodies import SweepDetail, SweepJob

SweepNumber = Annotated[int, typer.Argument(metavar="SWEEP", help="Number of the sweep.", min=1)]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(name="sweep", help="Look at sweeps, cancel and retry them.", no_args_is_help=True)
    group.command("list")(reported(list_))
    for command in (show, watch, cancel, retry):
        group.command()(reported(command))
    app.add_typer(group)


def list_(
    state: Annotated[
        SweepState | None, typer.Option(help=f"Only sweeps in this state: {', '.join(SweepState)}.")
    ] = None,
    name: Named = None,
    project: OfProject = None,
    tag: Tagged = None,
    limit: AtMost = 20,
    as_json: AsJson = False,
) -> None:
    """List sweeps, newest first."""
    with Client() as client:
        found = [one.seen for one in client.sweeps(state=state, name=name, project=project, tag=tag, limit=limit)]
    if as_json:
        print_json(found)
    elif found:
        show_part(sweep_table(found))
    elif state or name or project or tag:
        tell("no sweeps of this description; `holonomy sweep list` lists all")
    else:
        tell("no sweeps; `holonomy submit FILE` makes one of a file with `kind: sweep`")


def show(
    sweep: SweepNumber,
    jobs: Annotated[bool, typer.Option("--jobs", help="List its jobs and what is varied in them.")] = False,
    state: Annotated[
        JobState | None, typer.Option(help=f"With --jobs, only jobs in this state: {', '.join(JobState)}.")
    ] = None,
    limit: Annotated[int, typer.Option(help="With --jobs, at most so many.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """Show a sweep: how far it is, why jobs wait, why jobs failed, its spec; or its jobs."""
    if state is not None and not jobs:
        raise Refused("--state chooses among the jobs of the sweep: give --jobs as well")
    with Client() as client:
        handle = client.sweep(sweep)
        if not jobs:
            _show_whole(handle.status(), as_json=as_json)
            return
        members = list(itertools.islice(handle.jobs(state=state), limit + 1))
    if as_json:
        print_json(
            [SweepJob(position=one.position, varied=dict(one.varied), job=one.job.seen) for one in members[:limit]]
        )
    elif members:
        show_part(swept_jobs_table(members[:limit]))
        if len(members) > limit:
            tell(f"these are the first {limit:,} jobs; --limit shows more")
    else:
        tell(f"sweep {sweep} has no job that is {state}")


def _show_whole(detail: SweepDetail, *, as_json: bool) -> None:
    if as_json:
        print_json(detail)
    else:
        console().print(sweep_text(detail), markup=False, soft_wrap=True)


def watch(sweep: SweepNumber, as_json: AsJson = False) -> None:
    """Show a sweep's progress until all its jobs have ended; Ctrl-C leaves it running."""
    with Client() as client:
        final = watch_sweep_to_end(client.sweep(sweep))
    if as_json:
        print_json(final)


def cancel(sweep: SweepNumber, as_json: AsJson = False) -> None:
    """Stop what a sweep made and has not finished; what others want as well goes on."""
    with Client() as client:
        handle = client.sweep(sweep)
        answer = handle.cancel() if handle.seen.state not in TERMINAL_SWEEPS else None
        final = answer or handle.status()
    if as_json:
        print_json(final)
    elif answer is None:
        tell(f"sweep {sweep} is {final.state} already: there is nothing to stop")
    else:
        tell(f"sweep {sweep} is {final.state}")


def retry(sweep: SweepNumber, as_json: AsJson = False) -> None:
    """Run the jobs of a sweep that failed or were cancelled again; finished blocks are kept."""
    with Client() as client:
        answer = client.sweep(sweep).retry()
    if as_json:
        print_json(answer)
    else:
        tell(f"sweep {sweep} is {answer.state}; `holonomy sweep watch {sweep}` shows its progress")
