"""A whole embedded stack, as `holonomy up` makes it, in a folder of its own."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from holonomy import Client
from service.embedded import stack


@pytest.fixture
def fresh_home() -> Iterator[Path]:
    """An empty state folder with a short path; whatever was started in it is ended."""
    folder = Path(tempfile.mkdtemp(prefix="hol-", dir="/tmp"))
    yield folder
    stack.down(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stack_folder() -> Iterator[Path]:
    """The state folder of a running stack, shared by the tests of a session."""
    folder = Path(tempfile.mkdtemp(prefix="hol-", dir="/tmp"))
    stack.up(folder)
    yield folder
    stack.down(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def client(stack_folder: Path) -> Iterator[Client]:
    """A client that found the shared stack by its folder alone."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOLONOMY_URL", "HOLONOMY_TOKEN"):
            patch.delenv(name, raising=False)
        patch.setenv("HOLONOMY_HOME", str(stack_folder))
        found = Client()
    with found:
        yield found


def environment_of(folder: Path) -> dict[str, str]:
    """This process's environment, in which a client finds the stack of a folder and nothing else."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOLONOMY_")}
    return {**inherited, "HOLONOMY_HOME": str(folder)}


@pytest.fixture
def stack_environment(stack_folder: Path) -> dict[str, str]:
    """An environment in which a client finds the shared stack."""
    return environment_of(stack_folder)


@pytest.fixture
def fresh_environment(fresh_home: Path) -> dict[str, str]:
    """An environment in which a client finds nothing, and may start a stack in a folder of its own."""
    return environment_of(fresh_home)
