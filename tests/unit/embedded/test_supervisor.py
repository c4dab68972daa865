"""The supervisor's own part of a full disk."""

import errno
import os
from pathlib import Path

import pytest

from service.embedded import supervisor
from service.embedded.home import Home
from service.embedded.state import State, read_state, write_state
from service.embedded.supervisor import Supervisor


def test_a_state_that_cannot_be_written_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path)
    home.create()
    one = Supervisor(home)
    tries = 0

    def at_the_third_try(home: Home, state: State) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_state(home, state)
        one.stop(0, None)

    monkeypatch.setattr(supervisor, "write_state", at_the_third_try)
    monkeypatch.setattr(supervisor, "step", lambda children: False)
    one.run()
    assert read_state(home) is not None
    assert capsys.readouterr().err.count("cannot be written, trying again") == 1
