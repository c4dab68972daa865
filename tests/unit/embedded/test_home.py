import os
import stat
from pathlib import Path

import pytest

from service.embedded.home import Home, state_folder


def test_the_variable_comes_first() -> None:
    assert state_folder({"HOLONOMY_HOME": "/some/where"}) == Path("/some/where")


@pytest.mark.skipif(os.geteuid() != 0, reason="the default of root")
def test_default_of_root() -> None:
    assert state_folder({}) == Path("/var/lib/holonomy")


@pytest.mark.skipif(os.geteuid() == 0, reason="the default of others")
def test_default_of_users() -> None:
    assert state_folder({"XDG_DATA_HOME": "/data"}) == Path("/data/holonomy")


def test_secrets_and_logs_are_private_and_the_way_to_postgres_is_open(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    home.create()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (home.path, home.secrets, home.logs)]
    assert modes == [0o711, 0o700, 0o700]
