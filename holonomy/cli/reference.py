"""Writes `docs/reference/cli.md` from the command line itself.

`python -m holonomy.cli.reference` writes the page; with `--check` it says whether it has drifted.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from schemas.generated import keep

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"

_HEAD = """\
# The `holonomy` command

Made from the command line itself by `python -m holonomy.cli.reference`.

Results go to standard output, everything else to standard error. Exit codes: 0 done; 1 the job or sweep failed
or was cancelled; 2 usage or bad input; 3 the service is away or at fault; 130 Ctrl-C (what is watched goes on).

The service is the one named by `HOLONOMY_URL` and `HOLONOMY_TOKEN`, else the embedded stack of this machine, which is
started when it is needed."""


def page(app: typer.Typer) -> str:
    """The reference of every command, whatever the width of the terminal."""
    root = get_command(app)
    if not isinstance(root, TyperGroup):
        raise TypeError("the command line has a group of commands at its root")
    return "\n\n".join([_HEAD, *_commands(root, ("holonomy",))]) + "\n"


def _commands(group: TyperGroup, path: tuple[str, ...]) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        if isinstance(command, TyperGroup):
            yield from _commands(command, (*path, name))
        elif isinstance(command, TyperCommand) and not command.hidden:
            yield _section(command, (*path, name))


def _section(command: TyperCommand, path: tuple[str, ...]) -> str:
    arguments = [parameter for parameter in command.params if isinstance(parameter, TyperArgument)]
    options = [parameter for parameter in command.params if isinstance(parameter, TyperOption)]
    usage = " ".join([*path, *(_metavar(argument) for argument in arguments), *(["[OPTIONS]"] if options else [])])
    parts = [f"## {' '.join(path)}", _prose(command.help), f"```\n{usage}\n```"]
    listed = [f"- `{_metavar(argument)}`: {_prose(argument.help)}" for argument in arguments]
    listed += [f"- `{', '.join(option.opts)}`{_value(option)}: {_prose(option.help)}" for option in options]
    return "\n\n".join([*parts, *(["\n".join(listed)] if listed else [])])


def _metavar(argument: TyperArgument) -> str:
    name = argument.metavar or str(argument.name).upper()
    return name if argument.required else f"[{name}]"


def _value(option: TyperOption) -> str:
    return "" if option.is_flag or option.default is None else f" (by default `{option.default}`)"


def _prose(text: str | None) -> str:
    """Help text as one paragraph per blank line, without the line breaks of the source."""
    paragraphs = (text or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def main(arguments: list[str]) -> int:
    """Write the page, or check it: 1 and one line when it differs."""
    from holonomy.cli.app import app

    return keep({PAGE: page(app)}, "the command line", "holonomy.cli.reference", check=arguments == ["--check"])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
