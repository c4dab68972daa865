"""A comparison as a table for people, with the sentences needed to read it."""

from collections.abc import Iterator
from math import isnan
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from holonomy.compare.comparison import Comparison
from holonomy.compare.rows import Row, record
from holonomy.compare.words import noticed, sentences, subject
from holonomy.report_layout import plain_table, section

MOST_ROWS = 40
"""Comparisons shown: of more, the changed ones first."""
STYLES = {"changed": "bold red", "incomplete": "yellow", "no change": "", "identical": "dim"}
NOTE = (
    "A and B are geometric means over seeds, B / A their ratio with its interval; where a value is not positive, "
    "means and B − A. All intervals hold at once with probability {confidence}. g is the difference in units of the "
    "spread over seeds (Hedges), positive where B is larger; noticed is the smallest change that would have counted."
)


def comparison_report(found: Comparison) -> Iterator[RenderableType]:
    """The comparisons, and below them the findings in sentences."""
    order = ("changed", "incomplete", "no change", "identical")
    rows = found.rows
    if len(rows) > MOST_ROWS:
        rows = tuple(sorted(rows, key=lambda row: order.index(row.verdict))[:MOST_ROWS])
    note = NOTE.format(confidence=f"{100 * found.confidence:g} %")
    title = f"A: {found.a}   B: {found.b}"
    yield from section(title, comparison_table(rows), note)
    if len(found.rows) > len(rows):
        yield Text(
            f"  {len(found.rows) - len(rows)} more comparisons are in the rows of `--json` and of `frame()`",
            style="dim",
        )
    yield ""
    for line in sentences(found):
        yield Text(line)


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The comparison as a document: verdict, sentences, recipe and one record per comparison."""
    return {
        "a": found.a,
        "b": found.b,
        "changed": found.changed,
        "incomplete": found.incomplete,
        "confidence": found.confidence,
        "threshold": found.threshold,
        "report": list(sentences(found)),
        "recipe": {path: list(values) for path, values in found.recipe.items()},
        "rows": [record(row) for row in found.rows],
    }


def comparison_table(rows: tuple[Row, ...]) -> Table:
    """One line per comparison."""
    table = plain_table("compared", "A", "B", "B / A", "interval", "g", "noticed", "seeds", "verdict")
    table.columns[0].justify = "left"
    for row in rows:
        verdict = Text(row.verdict, style=STYLES[row.verdict])
        seeds = f"{len(row.a.by_seed)}, {len(row.b.by_seed)}"
        table.add_row(Text(subject(row)), *_cells(row), seeds, verdict)
    return table


def _cells(row: Row) -> tuple[str, ...]:
    found = row.effect
    if found is None:
        return ("—",) * 6
    ratio = found.scale == "ratio"
    estimate = f"{found.estimate:.4g}" if ratio else f"{found.estimate:+.3g}"
    low, high = (
        f"{value:.3f}" if ratio and found.high < 100 else f"{value:.3g}" for value in (found.low, found.high)
    )
    size = "—" if isnan(found.g) else f"{found.g:+.2f}"
    return f"{found.mean_a:.4g}", f"{found.mean_b:.4g}", estimate, f"{low}–{high}", size, noticed(found)
