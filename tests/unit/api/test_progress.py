import asyncio
import json
from collections.abc import Iterable

from schemas.api import Job, Progress
from schemas.states import JobState
from service.api import progress

BASE = Job(
    id=3, digest="0" * 64, kind="diagnostic", name=None, state=JobState.RUNNING, reason=None, priority=0,
    submitted_at="2026-01-01T00:00:00Z", started_at=None, finished_at=None,
)  # fmt: skip


def at(done: int, state: JobState = JobState.RUNNING) -> Job:
    return BASE.model_copy(update={"state": state, "progress": Progress(total=2, done=done)})


def stream(first: Job, later: Iterable[Job | None], heartbeat_seconds: float = 60.0) -> list[str]:
    coming = iter(later)

    async def read() -> Job | None:
        return next(coming)

    async def collect() -> list[str]:
        events = progress.events(first, read, poll_seconds=0, heartbeat_seconds=heartbeat_seconds)
        return [chunk.decode() async for chunk in events]

    return asyncio.run(collect())


def done_counts(chunks: Iterable[str]) -> list[int]:
    return [json.loads(chunk.split("data: ")[1])["progress"]["done"] for chunk in chunks]


def test_an_event_for_every_change_and_an_end_with_the_job() -> None:
    chunks = stream(at(0), [at(0), at(1), at(1), None, at(2, JobState.DONE)])
    assert done_counts(chunks) == [0, 1, 2]
    assert all(chunk.startswith("event: job\n") and chunk.endswith("\n\n") for chunk in chunks)


def test_a_finished_job_is_one_event() -> None:
    assert done_counts(stream(at(2, JobState.FAILED), [])) == [2]


def test_silence_is_broken_by_comments() -> None:
    chunks = stream(at(0), [at(0), None, at(2, JobState.DONE)], heartbeat_seconds=0)
    assert chunks[1:3] == [": still here\n\n", ": the database is away; waiting for it\n\n"]
