"""The command line, run in this process against a small service on a real socket."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from holonomy.cli.app import app
from tests.support.fake_service import FakeService

Command = Callable[..., Result]


@pytest.fixture
def command(service: FakeService) -> Command:
    """Run `holonomy …` and give back its exit code, standard output and standard error."""

    def run(*arguments: object, stdin: str | None = None) -> Result:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done

    return run
