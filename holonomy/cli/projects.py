"""`holonomy project`."""

from typing import Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.jobs import AsJson
from holonomy.cli.output import print_json, tell
from holonomy.cli.output import show as show_part
from holonomy.cli.render_sweeps import project_table
from holonomy.client import Client

ProjectName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the project.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(name="project", help="Look at projects and set their limits.", no_args_is_help=True)
    group.command("list")(reported(list_))
    group.command()(reported(show))
    group.command("set")(reported(set_))
    app.add_typer(group)


def list_(as_json: AsJson = False) -> None:
    """List projects, their limits and what runs."""
    with Client() as client:
        found = client.projects.list()
    if as_json:
        print_json(found)
    else:
        show_part(project_table(found))


def show(name: ProjectName, as_json: AsJson = False) -> None:
    """Show a project: its limits and what runs."""
    with Client() as client:
        found = client.projects.get(name)
    if as_json:
        print_json(found)
    else:
        show_part(project_table([found]))


def set_(
    name: ProjectName,
    max_running_jobs: Annotated[
        int | None, typer.Option(min=1, help="At most this many of its jobs run at once; left out, any number.")
    ] = None,
    max_running_blocks: Annotated[
        int | None, typer.Option(min=1, help="At most this many of its blocks run at once; left out, any number.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set the limits of a project, in place of those it had; a project that is new is made."""
    with Client() as client:
        found = client.projects.set(name, max_running_jobs=max_running_jobs, max_running_blocks=max_running_blocks)
    if as_json:
        print_json(found)
    else:
        limits = {"jobs": found.max_running_jobs, "blocks": found.max_running_blocks}
        told = " and ".join(f"at most {most:,} {what}" for what, most in limits.items() if most is not None)
        tell(f"project {found.name} runs {told or 'any number of jobs and blocks'} at once")
