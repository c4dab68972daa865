"""What can go wrong, as one tree; each message is one line: what was expected, what came, what to do.

HolonomyError
├── BadFile            a spec file or a data file is not what it should be (also a ValueError)
├── DiskFull           there is no room left for what was to be written
├── Unconfigured       no address is known and no embedded stack can be started
├── Unreachable        no answer: nothing listens, the connection broke, or the service said 503
├── Unauthorized       the token is missing, wrong, revoked, or lacks a scope
├── Refused            the service understood the request and will not do it (invalid, conflicting, too large)
├── NotFound           no such job, sweep, table, dataset, object
│   └── NotStored      the job exists, but it did not keep what was asked for, or retention dropped it
├── ServiceFault       the service failed, or answered something unintelligible
├── JobEnded           waited for a job that ended without a result
│   ├── JobFailed
│   └── JobCancelled
├── SweepEnded         waited for a sweep some of whose jobs ended without a result
│   ├── SweepFailed
│   └── SweepCancelled
└── WaitTimeout        the job or sweep is still going after the time given to `wait` (also a TimeoutError)

Outside the tree, before anything is sent: InvalidSpec, a ValueError, when a spec is made of what cannot be one.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from schemas.api import Job
from schemas.sweep_bodies import SweepDetail


class HolonomyError(Exception):
    """Anything this package raises on purpose.

    `request_id` names the request in the server's log, where there was one. Messages hold it where that log tells
    more than the message: when the service is at fault.
    """

    names_request: ClassVar[bool] = False

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        named = request_id is not None and self.names_request
        super().__init__(f"{message} [request {request_id}]" if named else message)
        self.request_id = request_id


class BadFile(HolonomyError, ValueError):
    """A spec file or a data file is not what it should be."""


class DiskFull(HolonomyError):
    """There is no room left for what was to be written; what was written before stays."""


class Unconfigured(HolonomyError):
    """No address is known and no embedded stack can be started."""


class Unreachable(HolonomyError):
    """No answer came.

    `sent` is False when the request cannot have reached the service, so that sending it again is safe.
    `retry_after_seconds` is what the service asked for with 503.
    """

    names_request = True

    def __init__(
        self,
        message: str,
        *,
        sent: bool = True,
        retry_after_seconds: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.sent = sent
        self.retry_after_seconds = retry_after_seconds


class Unauthorized(HolonomyError):
    """The token is missing, wrong, revoked, or lacks a scope."""


class Refused(HolonomyError):
    """The service understood the request and will not do it; `errors` says where and why for invalid bodies."""

    def __init__(self, message: str, *, errors: Sequence[dict[str, Any]] = (), request_id: str | None = None) -> None:
        super().__init__(message, request_id=request_id)
        self.errors = tuple(errors)


class NotFound(HolonomyError):
    """No such job, sweep, table, dataset or object."""


class NotStored(NotFound):
    """The job exists, but it did not keep what was asked for."""


class ServiceFault(HolonomyError):
    """The service failed, or answered something unintelligible."""

    names_request = True


class JobEnded(HolonomyError):
    """Waited for a job that ended without a result; `job` is how it ended."""

    def __init__(self, message: str, job: Job) -> None:
        super().__init__(message)
        self.job = job


class JobFailed(JobEnded):
    """The job failed; its logs and what it stored stay."""


class JobCancelled(JobEnded):
    """The job was cancelled; its logs and what it stored stay."""


class SweepEnded(HolonomyError):
    """Waited for a sweep some of whose jobs ended without a result; `sweep` is how it ended."""

    def __init__(self, message: str, sweep: SweepDetail) -> None:
        super().__init__(message)
        self.sweep = sweep


class SweepFailed(SweepEnded):
    """Jobs of the sweep failed; the results of the others are there."""


class SweepCancelled(SweepEnded):
    """Jobs of the sweep were cancelled, and none failed; the results of the others are there."""


class WaitTimeout(HolonomyError, TimeoutError):
    """The job or sweep is still going after the time given to `wait`."""
