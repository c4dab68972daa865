"""Where a command's output goes: results to standard output, everything else to standard error."""

import json
import sys
from typing import TYPE_CHECKING, Any

import typer
from pydantic import BaseModel
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

if TYPE_CHECKING:
    import polars

PIPE_WIDTH = 1000
"""Columns when standard output is not a terminal: tables in a file are not to be cut at 80, or at all."""


def console() -> Console:
    """Standard output."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)


def show(part: RenderableType) -> None:
    """Something on standard output, whole: where the terminal is narrower, lines go on below; no cell is cut."""
    out = console()
    needed = Measurement.get(out, out.options.update(max_width=PIPE_WIDTH), part).maximum
    Console(width=max(out.width, needed), highlight=False).print(part)


def tell(message: str) -> None:
    """A line for the person at the terminal, on standard error."""
    typer.echo(message, err=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output; models are written as the API writes them."""
    typer.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def print_json_line(value: BaseModel) -> None:
    """One JSON document on one line, for output that goes on."""
    typer.echo(value.model_dump_json())


def print_rows(frame: "polars.DataFrame", title: str, *, fit: bool) -> tuple[str, ...]:
    """A data frame as a table for people.

    Args:
        frame: The rows.
        title: What stands above them.
        fit: Leave out the last columns where the terminal is too narrow for all.

    Returns:
        Names of the columns left out.
    """
    cells = {name: [_cell(value) for value in frame[name].to_list()] for name in frame.columns}
    shown = _fitting(cells, console().width) if fit else list(cells)
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for name in shown:
        table.add_column(name, justify="right" if frame.schema[name].is_numeric() else "left", no_wrap=True)
    for row in zip(*(cells[name] for name in shown), strict=True):
        table.add_row(*(escape(cell) for cell in row))
    typer.echo(title)
    show(table)
    return tuple(name for name in cells if name not in shown)


def _fitting(cells: dict[str, list[str]], width: int) -> list[str]:
    """The first columns that fit side by side, at least one."""
    shown, used = list[str](), 0
    for name, column in cells.items():
        used += max(map(len, (name, *column))) + 2
        if shown and used > width:
            break
        shown.append(name)
    return shown


def _cell(value: Any) -> str:
    if value is None:
        return "—"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
