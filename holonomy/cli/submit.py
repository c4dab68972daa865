"""`holonomy submit`."""

from typing import Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.output import print_json, tell
from holonomy.cli.specfile import read_spec
from holonomy.cli.watching import watch_to_end
from holonomy.client import Client
from schemas.states import JobState


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reported(submit))


def submit(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Spec in YAML or JSON; - reads standard input.")],
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until the job has ended.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Compute again even when the same spec was submitted before.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="A label for people.")] = None,
    priority: Annotated[int, typer.Option(help="From -100 to 100; higher goes first.")] = 0,
    max_running_blocks: Annotated[
        int | None, typer.Option(help="At most this many blocks of the job run at once.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the job as JSON.")] = False,
) -> None:
    """Submit a job. The same spec submitted again gives the same job."""
    spec = read_spec(file)
    with Client() as client:
        job = client.submit(spec, fresh=fresh, name=name, priority=priority, max_running_blocks=max_running_blocks)
        tell(f"job {job.id} submitted" if job.created else f"job {job.id}: this spec was submitted before")
        ended = job.seen.state if job.seen.state in (JobState.FAILED, JobState.CANCELLED) else None
        final = watch_to_end(job) if wait else job.status()
        if as_json:
            print_json(final)
        elif ended is not None and not wait:
            tell(f"it is {ended}: `holonomy retry {job.id}` goes on with it, --fresh computes it anew")
        elif not wait:
            tell(f"`holonomy watch {job.id}` shows its progress, `holonomy results {job.id}` what it found")
