"""What surrounds a submission: arguments that change no result."""

from collections.abc import Sequence
from typing import TypedDict


class JobLabels(TypedDict, total=False):
    """Arguments of a job's submission beside its spec; see `Client.submit`."""

    fresh: bool
    name: str | None
    project: str
    tags: Sequence[str]
    priority: int
    max_running_blocks: int | None


class SweepLabels(JobLabels, total=False):
    """Arguments of a sweep's submission beside the sweep."""

    max_running_jobs: int | None
