"""`holonomy jobs`, `show`, `watch`, `cancel`, `retry`, `logs`."""

from typing import Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.labels import AtMost, Named, OfProject, Tagged
from holonomy.cli.output import console, print_json, print_json_line, tell
from holonomy.cli.output import show as show_part
from holonomy.cli.render import event_line, job_table, job_text
from holonomy.cli.watching import watch_to_end
from holonomy.client import Client
from holonomy.errors import Refused
from holonomy.jobs import HANDLES
from schemas.states import TERMINAL_JOBS, JobState

JobNumber = Annotated[int, typer.Argument(metavar="JOB", help="Number of the job.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (jobs, show, watch, cancel, retry, logs):
        app.command()(reported(command))


def jobs(
    state: Annotated[JobState | None, typer.Option(help=f"Only jobs in this state: {', '.join(JobState)}.")] = None,
    kind: Annotated[str | None, typer.Option(help=f"Only jobs of this kind: {', '.join(HANDLES)}.")] = None,
    name: Named = None,
    project: OfProject = None,
    tag: Tagged = None,
    sweep: Annotated[int | None, typer.Option(help="Only jobs of this sweep, in its order.", min=1)] = None,
    limit: AtMost = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    if kind is not None and kind not in HANDLES:
        raise Refused(f"there is no kind {kind!r}; there are: {', '.join(HANDLES)}")
    with Client() as client:
        chosen = client.jobs(state=state, kind=kind, name=name, project=project, tag=tag, sweep=sweep, limit=limit)
        found = [job.seen for job in chosen]
    if as_json:
        print_json(found)
    elif found:
        show_part(job_table(found, console().width))
    elif state or kind or name or project or tag or sweep:
        tell("no jobs of this description; `holonomy jobs` lists all")
    else:
        tell("no jobs; `holonomy submit FILE` makes one")


def show(job: JobNumber, as_json: AsJson = False) -> None:
    """Show a job: its state and why, its progress, its spec."""
    with Client() as client:
        detail = client.job(job).detail()
    if as_json:
        print_json(detail)
    else:
        console().print(job_text(detail), markup=False, soft_wrap=True)


def watch(job: JobNumber, as_json: AsJson = False) -> None:
    """Show a job's progress until it has ended; Ctrl-C leaves it running."""
    with Client() as client:
        final = watch_to_end(client.job(job))
    if as_json:
        print_json(final)


def cancel(job: JobNumber, as_json: AsJson = False) -> None:
    """Stop a job; what it has stored and logged stays."""
    with Client() as client:
        handle = client.job(job)
        answer = handle.cancel()
    if as_json:
        print_json(answer)
    elif handle.seen.state in TERMINAL_JOBS:
        tell(f"job {job} is {answer.state} already: there is nothing to stop")
    else:
        tell(f"job {job} is {answer.state}")


def retry(job: JobNumber, as_json: AsJson = False) -> None:
    """Run what failed or was cancelled again; finished blocks are kept."""
    with Client() as client:
        answer = client.job(job).retry()
    if as_json:
        print_json(answer)
    else:
        tell(f"job {job} is {answer.state}; `holonomy watch {job}` shows its progress")


def logs(
    job: JobNumber,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document per line.")] = False,
) -> None:
    """Print a job's log."""
    with Client() as client:
        for event in client.job(job).logs(follow=follow):
            if as_json:
                print_json_line(event)
            else:
                typer.echo(event_line(event))
