"""What the scheduler asks of the queue: two calls, each in the caller's transaction."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from schemas.sweep_bodies import SweepSubmission


@dataclass(frozen=True)
class Sweeps:
    """The queue of sweeps as the scheduler needs it."""

    submit: Callable[[Connection, SweepSubmission, str], int]
    """Number of the sweep that is made of a submission in somebody's name; `Refused` when it is not accepted."""
    cancel: Callable[[Connection, int], None]
    """Cancel a sweep; one that has ended stays as it is."""
