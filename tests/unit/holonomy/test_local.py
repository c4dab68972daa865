"""Finding the embedded stack of a machine by what it leaves in its state folder."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holonomy import Client
from holonomy.local import Stack, borrowed, find
from tests.support.fake_service import TOKEN, FakeService


@contextmanager
def supervised(folder: Path) -> Iterator[None]:
    """As if a supervisor held the folder."""
    with (folder / "supervisor.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def leave_traces(folder: Path, url: str | None, token: str = TOKEN) -> None:
    (folder / "secrets").mkdir()
    (folder / "secrets" / "api.token").write_text(f"{token}\n")
    (folder / "state.json").write_text(json.dumps({"url": url}))


def test_a_running_stack_is_found_by_its_traces(
    service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_traces(tmp_path, service.url)
    monkeypatch.delenv("HOLONOMY_URL")
    monkeypatch.delenv("HOLONOMY_TOKEN")
    monkeypatch.setenv("HOLONOMY_HOME", str(tmp_path))
    with supervised(tmp_path):
        assert Client().status().version == "0"


def test_a_token_is_not_for_whoever_listens_where_a_stack_once_was(service: FakeService, tmp_path: Path) -> None:
    leave_traces(tmp_path, service.url)
    assert find(tmp_path) is None
    with supervised(tmp_path):
        assert find(tmp_path) == Stack(service.url, TOKEN)
    assert find(tmp_path) is None


def test_a_stack_that_does_not_answer_is_not_found(tmp_path: Path) -> None:
    assert find(tmp_path) is None
    leave_traces(tmp_path, "http://127.0.0.1:1")
    with supervised(tmp_path):
        assert find(tmp_path) is None
        (tmp_path / "state.json").write_text('{"url": null}')
        assert find(tmp_path) is None
        (tmp_path / "state.json").write_text("[half a fi")
        assert find(tmp_path) is None


def test_with_an_address_there_is_nothing_to_stop(service: FakeService) -> None:
    with borrowed(keep=False):
        assert Client().status().version == "0"
    assert Client().status().version == "0"
