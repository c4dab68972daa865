"""Projects: labels of jobs and sweeps, with limits on how much of each runs at once."""

from datetime import datetime

from schemas.api import Body
from schemas.base import Name, Spec
from schemas.jobs import Limit


class ProjectLimits(Spec):
    """The limits of a project, in place of those it had; a limit that is left out is none."""

    max_running_jobs: Limit | None = None
    """Most jobs of the project that run at once; others stay queued."""
    max_running_blocks: Limit | None = None
    """Most blocks of the project that run at once, over all its jobs."""


class Project(Body):
    """A project as the API shows it."""

    name: Name
    """What jobs and sweeps call it."""
    max_running_jobs: int | None
    """Most jobs that run at once; null where there is no limit."""
    max_running_blocks: int | None
    """Most blocks that run at once; null where there is no limit."""
    queued_jobs: int
    """Jobs that wait to run."""
    running_jobs: int
    """Jobs that run, those being cancelled among them."""
    running_blocks: int
    """Blocks under a live lease."""
    created_at: datetime
    """When it was first named."""
