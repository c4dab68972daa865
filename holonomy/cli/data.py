"""`holonomy data`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from holonomy.cli.faults import reported
from holonomy.cli.jobs import AsJson
from holonomy.cli.output import print_json, show, tell
from holonomy.cli.render import dataset_table
from holonomy.client import Client


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(name="data", help="Import datasets and list them.", no_args_is_help=True)
    group.command("import")(reported(import_))
    group.command("list")(reported(list_))
    app.add_typer(group)


def import_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name for `data: {kind: idx, name: NAME}` in specs.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with the four IDX files, plain or gzipped.")],
    as_json: AsJson = False,
) -> None:
    """Import a dataset in the format of MNIST."""
    with Client() as client, Progress(console=Console(stderr=True)) as bar:
        # Shown with the first piece: what is wrong with the folder or the name is said without a bar.
        task = bar.add_task(f"importing {name}", total=None, visible=False)
        dataset = client.data.import_idx(
            name, folder, report=lambda done, total: bar.update(task, completed=done, total=total, visible=True)
        )
    if as_json:
        print_json(dataset)
    else:
        manifest = dataset.manifest
        counts = f"{manifest.count('train'):,} train and {manifest.count('test'):,} test examples"
        tell(f"{name}: {counts}, digest {dataset.digest}")


def list_(as_json: AsJson = False) -> None:
    """List imported datasets."""
    with Client() as client:
        datasets = client.data.list()
    if as_json:
        print_json(datasets)
    elif datasets:
        show(dataset_table(datasets))
    else:
        tell("no datasets; `holonomy data import NAME DIR` makes one, `digits` needs none")
