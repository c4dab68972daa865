"""`holonomy data`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from holonomy import faces
from holonomy.cli.faults import reported
from holonomy.cli.jobs import AsJson
from holonomy.cli.output import print_json, show, tell
from holonomy.cli.render import dataset_table
from holonomy.client import Client
from holonomy.datasets import IMAGE_SIZE, TEXT_LENGTH, VOCABULARY
from holonomy.errors import Refused
from holonomy.importers.imdb import UNLABELLED
from holonomy.importers.recognise import recognised


class Format(StrEnum):
    """Formats of dataset folders."""

    IDX = "idx"
    CELEBA = "celeba"
    FOLDERS = "folders"
    IMDB = "imdb"


class TestSplit(StrEnum):
    """Parts of CelebA that can be the test split."""

    TEST = "test"
    VALID = "valid"


_OPTIONS = {
    Format.IDX: (),
    Format.CELEBA: ("crop", "size", "test_split"),
    Format.FOLDERS: ("crop", "size"),
    Format.IMDB: ("length", "vocabulary"),
}
"""Which options each format has."""


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(name="data", help="Import datasets and list them.", no_args_is_help=True)
    group.command("import")(reported(import_))
    group.command("list")(reported(list_))
    group.command("faces")(reported(faces_))
    app.add_typer(group)


def import_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name for `data: {kind: …, name: NAME}` in specs.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the dataset.")],
    format_: Annotated[
        Format | None, typer.Option("--format", help="Format of the folder; by default recognised.")
    ] = None,
    crop: Annotated[
        int | None, typer.Option(min=1, help="Side of the centred square cut out; by default the largest.")
    ] = None,
    size: Annotated[int | None, typer.Option(min=1, help=f"Side of stored images [default: {IMAGE_SIZE}].")] = None,
    test_split: Annotated[
        TestSplit | None, typer.Option(help="Part of CelebA that is the test split [default: test].")
    ] = None,
    length: Annotated[int | None, typer.Option(min=1, help=f"Tokens of a text [default: {TEXT_LENGTH}].")] = None,
    vocabulary: Annotated[
        int | None, typer.Option(min=2, max=2**16, help=f"Tokens of the tokenizer at most [default: {VOCABULARY}].")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a dataset: IDX files, CelebA, folders of pictures, or IMDb's reviews."""
    kind = Format(recognised(folder)) if format_ is None else format_
    given = {
        "crop": crop,
        "size": size,
        "test_split": None if test_split is None else test_split.value,
        "length": length,
        "vocabulary": vocabulary,
    }
    options = _options_of(kind, {option: value for option, value in given.items() if value is not None})
    with Client() as client, Progress(console=Console(stderr=True)) as bar:
        # Shown with the first piece: what is wrong with the folder or the name is said without a bar.
        task = bar.add_task(f"importing {name}", total=None, visible=False)
        imports = {
            Format.IDX: client.data.import_idx,
            Format.CELEBA: client.data.import_celeba,
            Format.FOLDERS: client.data.import_folders,
            Format.IMDB: client.data.import_imdb,
        }
        dataset = imports[kind](
            name,
            folder,
            report=lambda done, total: bar.update(task, completed=done, total=total, visible=True),
            **options,
        )
    if as_json:
        print_json(dataset)
        return
    manifest = dataset.manifest
    counts = f"{manifest.count('train'):,} train and {manifest.count('test'):,} test examples"
    tell(f"{name}: {counts}, digest {dataset.digest}")
    if kind is Format.IMDB and (folder / "train" / UNLABELLED).is_dir():
        tell(f"train/{UNLABELLED} is left out: its texts have no labels")


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


def faces_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write; it must be new or empty.")],
    count: Annotated[int, typer.Option(min=10, help="How many pictures.")] = 2_000,
    size: Annotated[int, typer.Option(min=32, max=256, help="Side of a picture in pixels.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal pictures.")] = 0,
    lighting: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of faces in light that hides which of two hair colours it is."),
    ] = faces.LIGHTING,
) -> None:
    """Draw synthetic faces with 40 attributes, in the layout of CelebA."""
    faces.write(folder, faces.Parameters(count=count, size=size, seed=seed, lighting=lighting))
    tell(f"{count:,} faces in {folder}; `holonomy data import NAME {folder}` imports them")


def _options_of(kind: Format, given: dict[str, Any]) -> dict[str, Any]:
    strange = [option for option in given if option not in _OPTIONS[kind]]
    if strange:
        has = ", ".join(f"--{option.replace('_', '-')}" for option in _OPTIONS[kind]) or "no options"
        raise Refused(f"--{strange[0].replace('_', '-')} is not for the format {kind}, which has {has}: leave it out")
    return given
