"""Options that surround a submission, and options by which lists are narrowed."""

from typing import Annotated

import typer

Project = Annotated[str, typer.Option(help="Project that it belongs to; one that is new is made.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Label to find it by; may be given several times.")]
OfProject = Annotated[str | None, typer.Option("--project", help="Only those of this project.")]
Tagged = Annotated[str | None, typer.Option("--tag", help="Only those with this tag.")]
Named = Annotated[str | None, typer.Option("--name", help="Only those with this label.")]
AtMost = Annotated[int, typer.Option("--limit", help="At most so many.", min=1)]
