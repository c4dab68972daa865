"""Where a command's output goes: results to standard output, everything else to standard error."""

import json
import sys
from typing import TYPE_CHECKING, Any

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    import polars

PIPE_WIDTH = 1000
"""Columns when standard output is not a terminal: tables in a file are not to be cut at 80, or at all."""


def console() -> Console:
    """Standard output."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)


def tell(message: str) -> None:
    """A line for the person at the terminal, on standard error."""
    typer.echo(message, err=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output; models are written as the API writes them."""
    typer.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def print_json_line(value: BaseModel) -> None:
    """One JSON document on one line, for output that goes on."""
    typer.echo(value.model_dump_json())


def print_rows(frame: "polars.DataFrame", title: str) -> None:
    """A data frame as a table for people."""
    table = Table(title=title, box=None, header_style="bold", padding=(0, 1), title_justify="left")
    for name, dtype in frame.schema.items():
        table.add_column(name, justify="right" if dtype.is_numeric() else "left", no_wrap=True)
    for row in frame.iter_rows():
        table.add_row(*(_cell(value) for value in row))
    console().print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "—"
    return f"{value:.5g}" if isinstance(value, float) else escape(str(value))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
