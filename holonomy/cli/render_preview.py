"""What submitting a sweep would do, as text for people."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from rich.markup import escape
from rich.table import Table

from holonomy.cli.render import plain_table, span
from schemas.states import JobState
from schemas.sweep_bodies import PreviewedJob, SweepPreview

_LONGEST_VALUE = 40


def preview_table(jobs: Iterable[PreviewedJob]) -> Table:
    """Jobs, one per row: what is varied, whether they are there, what they cost."""
    jobs = list(jobs)
    paths = dict.fromkeys(path for job in jobs for path in job.varied)
    table = plain_table("position", *map(escape, paths), "digest", "state", "cost")
    for job in jobs:
        values = [escape(value_text(job.varied[path])) if path in job.varied else "—" for path in paths]
        state = "new" if job.state is None else f"{job.state} (job {job.job_id})"
        cost = "—" if job.state is JobState.DONE else cost_text(job.seconds)
        table.add_row(str(job.position), *values, f"{job.digest[:12]}…", state, cost)
    return table


def preview_totals(preview: SweepPreview) -> Iterator[str]:
    """What there is to do, in a few lines."""
    there = {
        "new": preview.new,
        "done": preview.done,
        "waiting or running": preview.unfinished,
        "failed or cancelled": preview.ended,
    }
    counts = ", ".join(f"{count:,} {what}" for what, count in there.items() if count)
    yield f"{counted(preview.total, 'job')}: {counts}"
    if preview.left_out:
        points = counted(preview.left_out, "point")
        yield f"{points} of the grid left out: excluded by constraints, or equal to an earlier one"
    if preview.training_runs:
        trained = f", {preview.training_runs_done:,} of them there already" if preview.training_runs_done else ""
        yield f"{counted(preview.training_runs, 'training run')} behind them, each trained once{trained}"
    if preview.seconds:
        rough = "" if preview.measured else "; a rough guess until such jobs have run here"
        wall = ", and no worker slot for some of it"
        if preview.wall_seconds is not None:
            wall = f", about {cost_text(preview.wall_seconds)} on {counted(preview.slots, 'worker slot')}"
        yield f"about {cost_text(preview.seconds)} of work{wall}{rough}"


def cost_text(seconds: float) -> str:
    """An estimated time, with tenths of a second where there are only a few."""
    return span(seconds) if seconds >= 10 else f"{seconds:.1f} s"


def counted(number: int, what: str) -> str:
    """A number of things: `1 job`, `2 jobs`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def value_text(value: Any) -> str:
    """A varied value, short enough for a table: of an object its kind, and what else there is."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict) and "kind" in value:
        fields = {name: part for name, part in value.items() if name != "kind"}
        text = f"{value['kind']} {json.dumps(fields, ensure_ascii=False)}" if fields else str(value["kind"])
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
