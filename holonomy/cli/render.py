"""Jobs, log lines, datasets and tokens as text for people."""

import textwrap
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import assert_never

import yaml
from rich.markup import escape
from rich.table import Table

from schemas.api import Event, Job, JobDetail, TokenInfo
from schemas.datasets import Dataset, DatasetManifest, IdxManifest, ImagesManifest, TextManifest
from schemas.states import JobState

MIN_WHY = 20
"""Least room for the reason of a job in a table."""
STATE_STYLES = {
    JobState.QUEUED: "yellow",
    JobState.RUNNING: "cyan",
    JobState.CANCELLING: "yellow",
    JobState.DONE: "green",
    JobState.FAILED: "red",
    JobState.CANCELLED: "dim",
}


def job_table(jobs: Iterable[Job], width: int) -> Table:
    """Jobs, one per row; why they are not done takes what is left of the width."""
    rows = list[tuple[str, ...]]()
    for job in jobs:
        blocks = f"{job.progress.done}/{job.progress.total}" if job.progress.total else "—"
        times = (ago(job.submitted_at), duration(job.started_at, job.finished_at))
        rows.append((str(job.id), job.kind, job.name or "", str(job.state), blocks, *times, job.why or ""))
    headers = ("job", "kind", "name", "state", "blocks", "submitted", "took", "why")
    fixed = sum(max(len(row[index]) for row in (headers, *rows)) + 2 for index in range(len(headers) - 1))
    room = max(MIN_WHY, width - fixed - 2)
    table = plain_table(*headers)
    for number, kind, name, state, *others, why in rows:
        coloured = f"[{STATE_STYLES[JobState(state)]}]{state}[/]"
        shown = why if len(why) <= room else f"{why[: room - 1]}…"
        table.add_row(number, kind, escape(name), coloured, *others, escape(shown))
    return table


def job_text(job: JobDetail) -> str:
    """A job in full."""
    progress = job.progress
    blocks = (
        f"{progress.done} of {progress.total} done, {progress.running} running, {progress.ready} ready, "
        f"{progress.waiting} waiting, {progress.failed} failed"
    )
    fields: dict[str, str | None] = {
        "job": f"{job.id}" + (f"  {job.name}" if job.name else ""),
        "kind": job.kind,
        "state": str(job.state),
        "why": job.why,
        "blocks": blocks if progress.total else "not planned yet",
        "priority": str(job.priority),
        "parents": ", ".join(str(parent) for parent in job.parents),
        "submitted": job.submitted_at.isoformat(timespec="seconds"),
        "took": duration(job.started_at, job.finished_at),
        "digest": job.digest,
        "version": job.version,
    }
    head = "\n".join(f"{name:<10} {value}" for name, value in fields.items() if value)
    spec = yaml.safe_dump(job.spec.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return f"{head}\n\n{spec}"


def event_line(event: Event) -> str:
    """A log line; what takes several lines, such as a traceback, stands below it."""
    block = "" if event.block_id is None else f" block {event.block_id}"
    texts = {name: str(value) for name, value in event.data.items()}
    data = "".join(f" {name}={text}" for name, text in texts.items() if "\n" not in text)
    below = "".join(f"\n{textwrap.indent(text.rstrip(), '    ')}" for text in texts.values() if "\n" in text)
    return f"{event.at.isoformat(timespec='seconds')} {event.level:<7}{block} {event.message}{data}{below}"


def dataset_table(datasets: Iterable[Dataset]) -> Table:
    """Datasets, one per row."""
    table = plain_table("name", "kind", "train", "test", "example", "labels", "MiB", "digest")
    for dataset in datasets:
        manifest = dataset.manifest
        counts = (f"{manifest.count('train'):,}", f"{manifest.count('test'):,}")
        size = sum(shard.size_bytes for shard in manifest.shards) / 2**20
        digest = f"{dataset.digest[:12]}…"
        labels = str(len(manifest.labels))
        table.add_row(escape(dataset.name), manifest.kind, *counts, _example(manifest), labels, f"{size:.1f}", digest)
    return table


def _example(manifest: DatasetManifest) -> str:
    match manifest:
        case IdxManifest():
            return f"{manifest.shape[0]}×{manifest.shape[1]}"
        case ImagesManifest():
            return f"{manifest.channels}×{manifest.height}×{manifest.width}"
        case TextManifest():
            return f"{manifest.length} of {manifest.tokenizer.vocabulary:,} tokens"
        case _:
            assert_never(manifest)


def token_table(tokens: Iterable[TokenInfo]) -> Table:
    """Tokens, one per row."""
    table = plain_table("token", "name", "scopes", "made", "revoked")
    for token in tokens:
        revoked = "" if token.revoked_at is None else ago(token.revoked_at)
        table.add_row(str(token.id), escape(token.name), ", ".join(token.scopes), ago(token.created_at), revoked)
    return table


def plain_table(*headers: str) -> Table:
    """An empty table without lines, whose cells are not wrapped."""
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for header in headers:
        table.add_column(header, no_wrap=True)
    return table


def ago(moment: datetime) -> str:
    """How long ago that was."""
    return f"{span((datetime.now(UTC) - moment).total_seconds())} ago"


def duration(start: datetime | None, end: datetime | None) -> str:
    """How long it took, or has taken so far; nothing before it began."""
    return "" if start is None else span(((end or datetime.now(UTC)) - start).total_seconds())


def span(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
