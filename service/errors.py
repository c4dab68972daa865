"""Errors of the service.

ServiceError
└── Refused            what was asked cannot be done: a user's mistake, told in one line
    ├── Missing        the thing named is not there
    ├── Dropped        the object named was there, and retention took it away
    └── Conflict       the thing is there, but in a state in which this cannot be done
"""


class ServiceError(Exception):
    """Base of the service's own errors."""


class Refused(ServiceError):
    """A request that cannot be granted. `code` is for programs, `detail` one line for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Missing(Refused):
    """The job, dataset or token named is not there."""


class Dropped(Refused):
    """The object named was there, and retention took it away."""


class Conflict(Refused):
    """The state of things forbids it."""
