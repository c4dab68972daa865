"""Following a job until it ends: server-sent events where they come through, polling where they do not.

The connection may break, the service may be restarted: following goes on when it is back.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from holonomy.connection import Connection
from holonomy.errors import HolonomyError, Refused, ServiceFault, Unreachable, WaitTimeout
from schemas.api import Job
from schemas.states import TERMINAL_JOBS

SILENCE_SECONDS = 45.0
"""The service sends something at least every 15 s; three missed signs mean that the stream is dead."""


class Deadline:
    """A point in time, so many seconds from when it is made; None never comes."""

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    def left(self, at_most: float) -> float:
        """Seconds left, at most the given number; 0 when it has passed."""
        return at_most if self._end is None else max(0.0, min(at_most, self._end - time.monotonic()))

    def within(self, seconds: float) -> bool:
        """Whether it comes within so many seconds."""
        return self._end is not None and time.monotonic() + seconds >= self._end

    @property
    def passed(self) -> bool:
        """Whether it has passed."""
        return self.within(0.0)


@dataclass(frozen=True)
class Patience:
    """How long to wait, and for what."""

    deadline: Deadline = field(default_factory=Deadline)
    """For the end of the job."""
    outage_seconds: float = 300.0
    """For a service that is away."""
    poll_seconds: float = 0.5
    """Between two looks when events do not come through."""


def follow(
    connection: Connection,
    job_id: int,
    patience: Patience | None = None,
    on_outage: Callable[[str], None] = lambda _: None,
) -> Iterator[Job]:
    """The job at once, whenever it changes, and about every 15 s; ends after a terminal state.

    Args:
        connection: To the service.
        job_id: The job.
        patience: How long to wait.
        on_outage: Told, in one line, when the service is away.

    Raises:
        WaitTimeout: the job was not terminal in time.
        Unreachable: the service stayed away for longer than `outage_seconds`.
        HolonomyError: anything else the service says, for example that there is no such job.
    """
    patience = Patience() if patience is None else patience
    deadline, outage = patience.deadline, Deadline(patience.outage_seconds)
    streaming, pause = True, 0.1
    while True:
        heard = False
        # A stream may stay silent past a near deadline; looking every so often does not.
        live = streaming and not deadline.within(2 * SILENCE_SECONDS)
        try:
            for job in _stream(connection, job_id) if live else _poll(connection, job_id):
                yield job
                if job.state in TERMINAL_JOBS:
                    return
                heard = True
                outage, pause = Deadline(patience.outage_seconds), 0.1
                if deadline.passed:
                    break
        except _NoStream:
            streaming = False
        except Unreachable as error:
            if outage.passed:
                raise
            if not deadline.passed and not heard:
                on_outage(str(error))
        if deadline.passed:
            raise WaitTimeout(
                f"job {job_id} is still going after {deadline.seconds:g} s; it goes on without you: "
                f"`holonomy watch {job_id}` comes back to it"
            )
        # A stream that opens and breaks at once is not to be hammered.
        pause = min(2.0, pause * 2)
        time.sleep(deadline.left(pause if live else patience.poll_seconds))


class _NoStream(HolonomyError):
    """Something on the way does not pass events on."""


def _poll(connection: Connection, job_id: int) -> Iterator[Job]:
    yield connection.get(f"/v1/jobs/{job_id}", Job)


def _stream(connection: Connection, job_id: int) -> Iterator[Job]:
    path = f"/v1/jobs/{job_id}/progress"
    try:
        with connection.stream(path, accept="text/event-stream", read_seconds=SILENCE_SECONDS) as reply:
            if not reply.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise _NoStream("not a stream of events")
            latest: Job | None = None
            for data in job_events(reply.lines()):
                latest = latest if data is None else _job(data)
                if latest is not None:
                    yield latest
    except (Refused, ServiceFault):
        # 405, 406, 501, 502 and the like come from something in between; a plain look will tell more.
        raise _NoStream("the stream of events was refused") from None


def _job(data: str) -> Job:
    try:
        return Job.model_validate_json(data)
    except ValidationError:
        raise _NoStream("an event does not hold a job") from None


def job_events(lines: Iterator[str]) -> Iterator[str | None]:
    """Data of each `job` event of a stream, and None for each comment, by which the service shows that it lives."""
    event, data = "message", list[str]()
    for line in lines:
        if line.startswith(":"):
            yield None
        elif not line:
            if event == "job" and data:
                yield "\n".join(data)
            event, data = "message", []
        else:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                event = value
            elif name == "data":
                data.append(value)
