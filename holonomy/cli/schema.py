"""`holonomy schema`."""

from typing import Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.output import print_json
from holonomy.errors import Refused
from schemas.base import Spec
from schemas.brackets import Brackets
from schemas.datasets import DatasetImport
from schemas.diagnostic import Diagnostic
from schemas.replicas import Replicas
from schemas.schedules import ScheduleRequest
from schemas.sweeps import Sweep
from schemas.training import Training

KINDS: dict[str, type[Spec]] = {
    "training": Training,
    "brackets": Brackets,
    "replicas": Replicas,
    "diagnostic": Diagnostic,
    "sweep": Sweep,
    "schedule": ScheduleRequest,
    "dataset-import": DatasetImport,
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reported(schema))


def schema(kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(KINDS)}.")]) -> None:
    """Print the JSON Schema of a kind of spec, for editors and checkers."""
    model = KINDS.get(kind)
    if model is None:
        raise Refused(f"there is no kind {kind!r}; there are: {', '.join(KINDS)}")
    print_json(model.model_json_schema())
