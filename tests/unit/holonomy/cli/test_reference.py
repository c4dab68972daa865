"""Every command has help, and is in the reference, which is up to date."""

from collections.abc import Iterator

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from holonomy.cli import reference
from holonomy.cli.app import app


def commands(group: object = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, object]]:
    group = get_command(app) if group is None else group
    assert isinstance(group, TyperGroup)
    for name, found in group.commands.items():
        if isinstance(found, TyperGroup):
            yield from commands(found, (*path, name))
        else:
            yield " ".join((*path, name)), found


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_and_all_its_parameters_have_help(name: str) -> None:
    found = COMMANDS[name]
    assert found.help
    assert [parameter.name for parameter in found.params if parameter.name != "help" and not parameter.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_is_in_the_reference(name: str) -> None:
    assert f"## holonomy {name}\n" in reference.PAGE.read_text()


@pytest.mark.parametrize("columns", ["40", "200"])
def test_the_page_is_up_to_date_whatever_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert reference.main(["--check"]) == 0


def test_drift_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(reference, "PAGE", tmp_path / "cli.md")
    assert reference.main(["--check"]) == 1
    assert "run `python -m holonomy.cli.reference`" in capsys.readouterr().err
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
