"""Sweeps and projects as text for people."""

from collections.abc import Iterable

import yaml
from rich.markup import escape
from rich.table import Table

from holonomy.cli.render import STATE_STYLES, ago, duration, plain_table
from holonomy.cli.render_preview import value_text
from holonomy.sweeps import SweptJob
from schemas.projects import Project
from schemas.states import JobState, SweepState
from schemas.sweep_bodies import SweepDetail, SweepInfo

_STYLES = {
    SweepState.RUNNING: "cyan",
    SweepState.CANCELLING: "yellow",
    SweepState.DONE: "green",
    SweepState.FAILED: "red",
    SweepState.CANCELLED: "dim",
}


def sweep_table(sweeps: Iterable[SweepInfo]) -> Table:
    """Sweeps, one per row."""
    table = plain_table("sweep", "name", "project", "tags", "state", "jobs", "submitted", "took")
    for sweep in sweeps:
        state = f"[{_STYLES[sweep.state]}]{sweep.state}[/]"
        labels = (escape(sweep.name or ""), escape(sweep.project), escape(", ".join(sweep.tags)))
        took = duration(sweep.submitted_at, sweep.finished_at)
        table.add_row(str(sweep.id), *labels, state, f"{sweep.jobs_total:,}", ago(sweep.submitted_at), took)
    return table


def sweep_text(sweep: SweepDetail) -> str:
    """A sweep in full: how far it is, why jobs wait, why jobs failed, and its spec."""
    jobs = ", ".join(f"{count:,} {state}" for state, count in sweep.jobs.items() if count)
    progress = sweep.blocks
    limits = {"jobs": sweep.max_running_jobs, "blocks": sweep.max_running_blocks}
    fields: dict[str, str | None] = {
        "sweep": f"{sweep.id}" + (f"  {sweep.name}" if sweep.name else ""),
        "project": sweep.project,
        "tags": ", ".join(sweep.tags),
        "state": str(sweep.state),
        "jobs": f"{jobs} of {sweep.jobs_total:,}",
        "blocks": f"{progress.done:,} of {progress.total:,} done, {progress.running:,} running"
        * bool(progress.total),
        "at once": ", ".join(f"at most {most:,} {what}" for what, most in limits.items() if most is not None),
        "priority": str(sweep.priority),
        "submitted": sweep.submitted_at.isoformat(timespec="seconds"),
        "took": duration(sweep.submitted_at, sweep.finished_at),
        "digest": sweep.digest,
        "version": sweep.version,
    }
    parts = ["\n".join(f"{name:<10} {value}" for name, value in fields.items() if value)]
    if sweep.reasons:
        parts.append(_counted("unfinished", sweep.reasons.items()))
    if sweep.failures:
        failures = ((f"{one.reason} (job {', '.join(map(str, one.jobs))})", one.count) for one in sweep.failures)
        parts.append(_counted("failed", failures))
    parts.append(yaml.safe_dump(sweep.sweep.model_dump(mode="json"), sort_keys=False, allow_unicode=True))
    return "\n\n".join(parts)


def swept_jobs_table(members: Iterable[SweptJob]) -> Table:
    """Jobs of a sweep, one per row, with what is varied."""
    members = list(members)
    paths = dict.fromkeys(path for member in members for path in member.varied)
    table = plain_table("position", "job", *map(escape, paths), "state", "took", "why")
    for member in members:
        job = member.job.seen
        values = [escape(value_text(member.varied[path])) if path in member.varied else "—" for path in paths]
        state = f"[{STATE_STYLES[JobState(job.state)]}]{job.state}[/]"
        took = duration(job.started_at, job.finished_at)
        table.add_row(str(member.position), str(job.id), *values, state, took, escape(job.why or ""))
    return table


def project_table(projects: Iterable[Project]) -> Table:
    """Projects, one per row: their limits, and what runs."""
    table = plain_table("project", "jobs run", "at most", "jobs wait", "blocks run", "at most")
    for project in projects:
        table.add_row(
            escape(project.name),
            f"{project.running_jobs:,}",
            _limit(project.max_running_jobs),
            f"{project.queued_jobs:,}",
            f"{project.running_blocks:,}",
            _limit(project.max_running_blocks),
        )
    return table


def _limit(most: int | None) -> str:
    return "—" if most is None else f"{most:,}"


def _counted(title: str, reasons: Iterable[tuple[str, int]]) -> str:
    return "\n".join([f"{title}:", *(f"{count:>8,}  {reason}" for reason, count in reasons)])
