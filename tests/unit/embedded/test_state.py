import os
from pathlib import Path

import pytest

from service.embedded.home import Home
from service.embedded.process import identify
from service.embedded.server import StartError
from service.embedded.state import State, read_state, write_state


def _state() -> State:
    return State(
        supervisor=identify(os.getpid()),
        s3_endpoint="http://127.0.0.1:1",
        bucket="holonomy",
        database="postgresql://holonomy@127.0.0.1:2/holonomy",
        ray_address="127.0.0.1:3",
        ports={"api": 4},
        children={},
    )


def test_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_state(Home(tmp_path), _state())
    assert read_state(Home(tmp_path)) == _state()
    assert not _state().ready


@pytest.mark.parametrize("content", ["", "{", "{}", '{"url": 3}'])
def test_what_cannot_be_read_is_no_state(tmp_path: Path, content: str) -> None:
    assert read_state(Home(tmp_path)) is None
    Home(tmp_path).state.write_text(content)
    assert read_state(Home(tmp_path)) is None


def test_a_folder_that_is_a_file_holds_no_state(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert read_state(Home(tmp_path / "file")) is None


def test_a_state_that_cannot_be_opened_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()
    with pytest.raises(StartError, match=r"expected a readable state folder, got .* \(Is a directory\)"):
        read_state(Home(tmp_path))
