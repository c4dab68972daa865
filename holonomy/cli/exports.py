"""`holonomy export` and `holonomy import`."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from holonomy.cli.faults import reported
from holonomy.cli.jobs import AsJson
from holonomy.cli.output import print_json, tell
from holonomy.client import Client
from holonomy.errors import Refused

_SWEEP = "sweep:"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("export")(reported(export))
    app.command("import")(reported(import_))


def export(
    what: Annotated[
        list[str],
        typer.Argument(metavar="JOB|sweep:SWEEP...", help="Numbers of jobs; those of sweeps as sweep:NUMBER."),
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder, or one to go on with.")],
    objects: Annotated[bool, typer.Option(help="Write arrays as well as tables.")] = True,
) -> None:
    """Write jobs and sweeps with all their results into a folder, as Parquet and safetensors."""
    jobs, sweeps = numbers(what)
    with Client() as client, _Bars() as bars:
        manifest = client.export(
            folder, jobs=jobs, sweeps=sweeps, objects=objects, report=bars.told("exporting"), tell=tell
        )
    size = sum(file.size_bytes for file in manifest.files)
    count = "1 job" if len(manifest.jobs) == 1 else f"{len(manifest.jobs):,} jobs"
    left_out = "" if objects else " without their arrays"
    tell(
        f"{count}{left_out} in {len(manifest.files):,} files, {size:,} bytes: {folder}; "
        f"`holonomy import {shlex.quote(str(folder))}` stores them in another installation"
    )


def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `holonomy export` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Store an export of another installation; what is there already is left alone."""
    with Client() as client, _Bars() as bars:
        done = client.import_(folder, checking=bars.told("checking"), sending=bars.told("sending"))
    if as_json:
        print_json(asdict(done))
        return
    for word, arrivals in (("job", done.jobs), ("sweep", done.sweeps)):
        for one in arrivals:
            told = (
                f"is {one.number} here" if one.created else f"was here already, as {one.number}, and was left alone"
            )
            typer.echo(f"{word} {one.number_there} of the export {told}")


def numbers(what: Sequence[str]) -> tuple[list[int], list[int]]:
    """Numbers of jobs, and of sweeps.

    Raises:
        Refused: something else was given.
    """
    jobs, sweeps = list[int](), list[int]()
    for one in what:
        digits = one.removeprefix(_SWEEP)
        if not (digits.isascii() and digits.isdigit()):
            raise Refused(f"jobs are named by their numbers and sweeps as sweep:NUMBER; came {one!r}")
        (jobs if digits == one else sweeps).append(int(digits))
    return jobs, sweeps


class _Bars(Progress):
    """A bar of bytes for each thing that goes on, on standard error; seen from its first sign on."""

    def __init__(self) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )

    def told(self, doing: str) -> Callable[[int, int], None]:
        """What reports how far it is."""
        task = self.add_task(doing, total=None, visible=False)
        return lambda done, total: self.update(task, completed=done, total=total, visible=True)
