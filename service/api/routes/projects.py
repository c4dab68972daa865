"""Projects and their limits.

Setting them takes the scope `submit`, not `admin`: who may submit to any project and cancel any job gains nothing by
changing a limit, and those who share a cluster make room for one another without asking an administrator.
"""

from typing import Annotated

from fastapi import APIRouter, Path

from schemas.mistakes import NAME
from schemas.projects import Project
from service.api.backend import Services
from service.api.bodies import ProjectBody
from service.api.identity import Reader, Submitter
from service.api.problems import documented
from service.queue import projects

router = APIRouter(prefix="/v1/projects", tags=["projects"])

Name = Annotated[str, Path(pattern=NAME, description="Its name.")]


@router.get("")
def list_projects(services: Services, _: Reader) -> list[Project]:
    """Every project, with its limits and what of it waits and runs."""
    with services.engine.connect() as connection:
        return projects.listed(connection)


@router.get("/{name}", responses=documented("not_found", "invalid"))
def get_project(name: Name, services: Services, _: Reader) -> Project:
    """A project, with its limits and what of it waits and runs."""
    with services.engine.connect() as connection:
        return projects.project(connection, name)


@router.put("/{name}", responses=documented("invalid"))
def set_project(name: Name, limits: ProjectBody, services: Services, _: Submitter) -> Project:
    """Set the limits of a project, which is made if need be. A limit that is left out is none.

    They bind its unfinished jobs once this answers. What runs goes on.
    """
    projects.set_limits(services.engine, name, limits)
    with services.engine.connect() as connection:
        return projects.project(connection, name)
