"""Progress of a job as server-sent events.

A watcher costs one short query a second and no thread in between. While the database is away the stream stays open
with comments, and goes on when it is back.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio

from schemas.api import Job
from schemas.states import TERMINAL_JOBS

POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
MEDIA_TYPE = "text/event-stream"


async def events(
    first: Job,
    read: Callable[[], Awaitable[Job | None]],
    *,
    poll_seconds: float = POLL_SECONDS,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> AsyncIterator[bytes]:
    """An event `job` now and whenever the job has changed, until it has reached a terminal state.

    Args:
        first: the job as it was when the request came.
        read: the job as it is, or None when it cannot be read at the moment.
        poll_seconds: time between two reads.
        heartbeat_seconds: longest silence; a comment is sent then, so that proxies keep the connection.
    """
    job, spoke = first, time.monotonic()
    yield _event(job)
    while job.state not in TERMINAL_JOBS:
        await anyio.sleep(poll_seconds)
        current = await read()
        if current is not None and current != job:
            job, spoke = current, time.monotonic()
            yield _event(job)
        elif time.monotonic() - spoke >= heartbeat_seconds:
            spoke = time.monotonic()
            yield b": still here\n\n" if current else b": the database is away; waiting for it\n\n"


def _event(job: Job) -> bytes:
    return f"event: job\ndata: {job.model_dump_json()}\n\n".encode()
