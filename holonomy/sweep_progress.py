"""The progress bar of a sweep, on standard error."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from holonomy.connection import Connection
from holonomy.follow import Patience
from holonomy.sweep_follow import follow_sweep
from schemas.states import TERMINAL_JOBS, JobState
from schemas.sweep_bodies import SweepDetail


def show_sweep_until_ended(
    connection: Connection, sweep_id: int, patience: Patience, console: Console | None = None
) -> SweepDetail:
    """Follow a sweep to its end with a bar of its jobs.

    Raises:
        WaitTimeout: jobs were still going in time.
        Unreachable: the service stayed away.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("jobs"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=Console(stderr=True) if console is None else console,
    )
    with bar:
        task = bar.add_task(f"sweep {sweep_id}", total=None, note="")

        def outage(reason: str) -> None:
            bar.update(task, note=f"waiting for the service: {reason}")

        for latest in follow_sweep(connection, sweep_id, patience, outage):
            ended = sum(latest.jobs.get(state, 0) for state in TERMINAL_JOBS)
            bar.update(task, total=latest.jobs_total, completed=ended, note=_note(latest))
    return latest


def _note(sweep: SweepDetail) -> str:
    """What is going on beside the jobs that are done; what went wrong comes first."""
    order = (JobState.FAILED, JobState.CANCELLED, JobState.RUNNING, JobState.CANCELLING, JobState.QUEUED)
    counts = [f"{sweep.jobs[state]:,} {state}" for state in order if sweep.jobs.get(state)]
    blocks = f"{sweep.blocks.done:,}/{sweep.blocks.total:,} blocks" if sweep.blocks.total else ""
    return ", ".join([*counts, *([blocks] if blocks else [])])
