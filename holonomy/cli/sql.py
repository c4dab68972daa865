"""`holonomy sql`."""

import json
import sys
import warnings
from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.output import print_rows, tell
from holonomy.client import Client
from holonomy.errors import BadFile, Refused
from holonomy.query import RowsLeftOut
from schemas.query_bodies import ParameterValue

if TYPE_CHECKING:
    import polars

PEOPLE_SEE = 50
"""Rows printed as a table when no limit is asked for."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reported(sql))


def sql(
    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="One SELECT; - reads it from standard input.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the query from a file.")] = None,
    limit: Annotated[
        int | None, typer.Option(help="At most so many rows; tables for people stop at 50.", min=1)
    ] = None,
    timeout: Annotated[float | None, typer.Option(help="Longest it may take, in seconds; 30 by default.")] = None,
    param: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE for a `:NAME` in the query; repeatable. VALUE may be JSON.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as a JSON list of objects.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
) -> None:
    """Query the views of schema `results`, as a role that may only read them."""
    if as_json and as_csv:
        raise Refused("rows are printed as JSON or as CSV: give --json or --csv, not both")
    text = _text(query, file)
    for_people = not (as_json or as_csv)
    with Client() as client, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RowsLeftOut)
        frames = client.query_batches(
            text,
            limit=PEOPLE_SEE if for_people and limit is None else limit,
            timeout=timeout,
            parameters=dict(_parameter(one) for one in param or ()),
        )
        if for_people:
            _print_table(frames)
        elif as_csv:
            _print_csv(frames)
        else:
            _print_json(frames)
    for warning in caught:
        more = "; --limit shows more, --csv and --json print up to 100,000" if for_people and limit is None else ""
        tell(f"{warning.message}{more}")


def _text(query: str | None, file: Path | None) -> str:
    if (query is None) == (file is None):
        raise Refused("give one query: as an argument, as - for standard input, or as --file FILE")
    if file is not None:
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadFile(f"cannot read {file}: {error.strerror if isinstance(error, OSError) else error}") from None
    return sys.stdin.read() if query == "-" else str(query)


def _parameter(text: str) -> tuple[str, ParameterValue]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Refused(f"a parameter reads NAME=VALUE, for example step=100; came {text!r}")
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    return name, read if isinstance(read, bool | int | float | str | None) else value


def _print_table(frames: "Iterator[polars.DataFrame]") -> None:
    import polars

    rows = polars.concat(frames)
    print_rows(rows, f"{rows.height} rows" if rows.height != 1 else "1 row", fit=False)


def _print_csv(frames: "Iterator[polars.DataFrame]") -> None:
    from polars import selectors

    for number, frame in enumerate(frames):
        nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
        if nested:
            raise Refused(f"CSV has no lists: --json prints them, or cast {', '.join(nested)} to text")
        spelled = frame.with_columns(
            selectors.duration().dt.total_microseconds() / 1e6, selectors.binary().bin.encode("hex")
        )
        typer.echo(spelled.write_csv(include_header=number == 0), nl=False)


def _print_json(frames: "Iterator[polars.DataFrame]") -> None:
    from polars import selectors, when

    opening = "["
    for frame in frames:
        # JSON has neither NaN nor infinities.
        numbers = selectors.float()
        for row in frame.with_columns(when(numbers.is_finite()).then(numbers)).iter_rows(named=True):
            typer.echo(opening + json.dumps(row, ensure_ascii=False, default=_spelled), nl=False)
            opening = ",\n "
    typer.echo("[]" if opening == "[" else "]")


def _spelled(value: object) -> str | float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, date | time) else str(value)
