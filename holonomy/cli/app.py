"""The command line, put together: each module registers its commands."""

from importlib.metadata import version
from typing import Annotated

import typer

from holonomy.cli import (
    compare,
    data,
    database,
    demo,
    doctor,
    exports,
    flags,
    jobs,
    projects,
    results,
    retention,
    schedules,
    schema,
    sql,
    stack,
    submit,
    sweeps,
    tokens,
)

app = typer.Typer(
    name="holonomy",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    stack,
    doctor,
    database,
    submit,
    jobs,
    sweeps,
    schedules,
    projects,
    results,
    compare,
    flags,
    exports,
    data,
    tokens,
    schema,
    demo,
    sql,
    exports,
    retention,
):
    module.register(app)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"holonomy {version('holonomy')}")
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Measure how much the order and the path of training shape what a neural network learns."""
