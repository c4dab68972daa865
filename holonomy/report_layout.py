"""How reports look: sections of a title, a table and a note, and numbers that line up in 80 columns."""

import textwrap
from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

NOTE_WIDTH = 76
"""With the indent, notes and tables fit a terminal of 80 columns."""


def section(title: str, table: Table, note: str) -> Iterator[RenderableType]:
    """A title, a table, and the sentences needed to read it."""
    yield f"\n[bold]{title}[/]"
    yield table
    yield remark(note, "dim")


def remark(words: str, style: str) -> Text:
    """Sentences, indented, on lines of 80 columns at most."""
    return Text(textwrap.indent(textwrap.fill(words, NOTE_WIDTH, break_on_hyphens=False), "  "), style=style)


def plain_table(*headers: str) -> Table:
    """A table without lines, numbers to the right."""
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for header in headers:
        table.add_column(Text(header), justify="right", no_wrap=True)
    return table


def number(value: Any) -> str:
    """In powers of ten; a dash for what there is not."""
    return "—" if value is None else f"{value:.3e}"


def digits(value: Any) -> str:
    """Four significant digits."""
    return "—" if value is None else f"{value:#.4g}"


def signed(value: Any) -> str:
    """Three decimals with the sign, for cosines, correlations and logarithms."""
    return "—" if value is None else f"{value:+.3f}"


def small(value: Any) -> str:
    """One decimal of a power of ten, for errors."""
    return "—" if value is None else f"{value:.1e}"
