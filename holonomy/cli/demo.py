"""`holonomy demo`."""

import shlex
import shutil
import sys
from typing import Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.output import console, show, tell
from holonomy.cli.watching import watch_to_end
from holonomy.client import Client
from holonomy.config import ClientSettings
from holonomy.local import borrowed
from holonomy.presets import digits_brackets
from holonomy.report import brackets_report, whereabouts
from schemas.states import JobState


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
        spec = digits_brackets()
        job = client.submit(spec, name="demo")
        if not job.created:
            done = job.seen.state is JobState.DONE
            if job.seen.state in (JobState.FAILED, JobState.CANCELLED):
                job.retry()
            tell(f"job {job.id} has computed this before" if done else f"job {job.id} goes on where it was")
        watch_to_end(job, farewell=f"job {job.id} keeps what it has done: `holonomy demo` goes on with it")
        for part in brackets_report(job, spec):
            show(part)
        console().print("\n" + whereabouts(job, job.manifest(), client.status()), markup=False, soft_wrap=True)
    if shutil.which("holonomy") is None:
        tell(f"`source {shlex.quote(f'{sys.prefix}/bin/activate')}` puts `holonomy` and its Python on your path")
    if keep and ClientSettings().url is None:
        tell("the embedded stack goes on: `holonomy status` shows it, `holonomy down` stops it")
