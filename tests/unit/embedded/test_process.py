import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from service.embedded import process
from service.embedded.process import Identity, identify, spawn

_SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[str]:
    yield f"{tmp_path}:test"
    process.end(process.marked(str(tmp_path)), first=signal.SIGKILL)


def test_identity_of_a_recycled_number_finds_nothing() -> None:
    own = identify(os.getpid())
    assert own.find() == psutil.Process()
    assert Identity(own.pid, own.started - 100).find() is None


def test_child_is_marked_with_its_descendants_and_ends(tmp_path: Path, mark: str) -> None:
    script = f"import subprocess, sys; subprocess.Popen({_SLEEP!r}).wait()"
    child = spawn([sys.executable, "-c", script], log=tmp_path / "log", environment=os.environ, mark=mark)
    identity = identify(child.pid)
    _until(lambda: "up" in (tmp_path / "log").read_text())
    members = process.marked(mark)
    assert len(members) == 2
    process.end(members)
    assert process.marked(mark) == []
    assert identity.find() is None
    child.wait()


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path, mark: str) -> None:
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    child = spawn([sys.executable, "-c", script], log=tmp_path / "log", environment=os.environ, mark=mark)
    _until(lambda: (tmp_path / "log").exists() and "up" in (tmp_path / "log").read_text())
    process.end(process.marked(mark), grace_seconds=0.2)
    assert child.wait() == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="a death signal is Linux's")
def test_child_dies_with_the_process_that_started_it(tmp_path: Path, mark: str) -> None:
    parent = f"""
import os, time
from pathlib import Path
from service.embedded.process import spawn
spawn({_SLEEP!r}, log=Path({str(tmp_path / "log")!r}), environment=os.environ, mark={mark!r})
time.sleep(60)
"""
    outer = spawn([sys.executable, "-c", parent], log=tmp_path / "outer", environment=os.environ, mark="outer")
    _until(lambda: (tmp_path / "log").exists() and "up" in (tmp_path / "log").read_text())
    outer.kill()
    outer.wait()
    _until(lambda: process.marked(mark) == [])


def test_holders_of_files_are_found_by_folder(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w"):
        assert psutil.Process() in process.holding_files_in(tmp_path)
    assert process.holding_files_in(tmp_path) == []


def _until(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
