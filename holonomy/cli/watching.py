"""Watching a job or a sweep: Ctrl-C leaves it running and says how to come back."""

import typer

from holonomy.cli.faults import INTERRUPTED
from holonomy.cli.output import tell
from holonomy.errors import JobEnded, SweepEnded
from holonomy.handle import JobHandle
from holonomy.sweeps import SweepHandle
from schemas.api import Job
from schemas.sweep_bodies import SweepDetail


def watch_to_end(job: JobHandle, *, farewell: str | None = None) -> Job:
    """Show progress until the job has ended.

    Args:
        job: The job.
        farewell: What to say on Ctrl-C; by default that the job goes on, and how to come back to it.

    Raises:
        JobEnded: it failed or was cancelled.
        typer.Exit: Ctrl-C.
    """
    try:
        final = job.wait().status()
    except KeyboardInterrupt:
        tell(farewell or f"job {job.id} goes on without you: `holonomy watch {job.id}` comes back to it")
        raise typer.Exit(INTERRUPTED) from None
    except JobEnded as error:
        tell(f"`holonomy logs {error.job.id}` tells more, `holonomy retry {error.job.id}` tries again")
        raise
    tell(f"job {job.id} is done: `holonomy results {job.id}` shows what it found")
    return final


def watch_sweep_to_end(sweep: SweepHandle) -> SweepDetail:
    """Show progress until all jobs of a sweep have ended.

    Raises:
        SweepEnded: jobs failed or were cancelled.
        typer.Exit: Ctrl-C.
    """
    try:
        final = sweep.wait().status()
    except KeyboardInterrupt:
        tell(f"sweep {sweep.id} goes on without you: `holonomy sweep watch {sweep.id}` comes back to it")
        raise typer.Exit(INTERRUPTED) from None
    except SweepEnded as error:
        number = error.sweep.id
        tell(f"`holonomy sweep show {number} --jobs` tells more, `holonomy sweep retry {number}` tries again")
        raise
    tell(f"sweep {sweep.id} is done: `holonomy sweep show {sweep.id} --jobs` lists its jobs")
    return final
