"""`holonomy demo`."""

from typing import Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.output import console, tell
from holonomy.cli.watching import watch_to_end
from holonomy.client import Client
from holonomy.local import borrowed
from holonomy.presets import digits_brackets
from holonomy.report import brackets_report, whereabouts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reported(demo))


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the embedded stack running.")] = False,
) -> None:
    """Take brackets of real digits along a real training run, and show what they look like.

    Without a configured service the embedded stack is started for it, and stopped again unless it ran before.
    """
    with borrowed(keep=keep), Client() as client:
        job = client.submit(digits_brackets(), name="demo")
        if not job.created:
            tell(f"job {job.id} has computed this before")
        watch_to_end(job, farewell=f"job {job.id} keeps what it has done: `holonomy demo` goes on with it")
        for part in brackets_report(job):
            console().print(part)
        console().print("\n" + whereabouts(job, job.manifest(), client.status()), markup=False)
