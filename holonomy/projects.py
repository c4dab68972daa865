"""Projects of the service: labels of jobs and sweeps, with limits on how much of each runs at once."""

from holonomy.checked import checked
from holonomy.connection import Connection
from holonomy.names import check_name
from schemas.projects import Project, ProjectLimits


class Projects:
    """Projects, made by naming them: `client.submit(spec, project="ablations")`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> tuple[Project, ...]:
        """Every project, by name, with its limits and what of it waits and runs."""
        return self._connection.get("/v1/projects", tuple[Project, ...])

    def get(self, name: str) -> Project:
        """A project, with its limits and what of it waits and runs.

        Raises:
            NotFound: there is no project of this name.
        """
        check_name("project", name)
        return self._connection.get(f"/v1/projects/{name}", Project)

    def set(
        self, name: str, *, max_running_jobs: int | None = None, max_running_blocks: int | None = None
    ) -> Project:
        """Set the limits of a project, in place of those it had. It is made if it is not there.

        They bind its unfinished jobs once this returns. What runs goes on: where that is more than a new limit,
        nothing starts until it is less.

        Args:
            name: The project.
            max_running_jobs: Most of its jobs that run at once; None for no limit.
            max_running_blocks: Most of its blocks that run at once, over all its jobs; None for no limit.

        Raises:
            Refused: a limit is less than 1, or the name is not allowed.
        """
        check_name("project", name)
        limits = {"max_running_jobs": max_running_jobs, "max_running_blocks": max_running_blocks}
        return self._connection.put_json(f"/v1/projects/{name}", Project, checked(ProjectLimits, limits))
