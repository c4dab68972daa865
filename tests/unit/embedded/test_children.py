"""Supervision, with small programs in place of the servers."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.embedded import children as supervision
from service.embedded import process
from service.embedded.children import Child, step
from service.embedded.server import Server
from service.embedded.state import Phase


class Small(Server):
    """Runs `script` and is ready once it has printed something."""

    def __init__(self, name: str, script: str, folder: Path) -> None:
        self.name = name
        super().__init__(scope=str(folder), log=folder / f"{name}.log")
        self.script = script

    def launch(self) -> None:
        self.log.unlink(missing_ok=True)
        command = [sys.executable, "-c", self.script]
        self.spawned(process.spawn(command, log=self.log, environment=os.environ, mark=self.mark))

    def ready(self) -> bool:
        return self.alive() and self.log.stat().st_size > 0


_SERVE = "import time; print('ready', flush=True); time.sleep(60)"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    process.end(process.marked(str(tmp_path)), first=signal.SIGKILL)


def _step_until(children: list[Child], condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        step(children)
        time.sleep(0.02)


def test_a_child_waits_for_those_it_needs(folder: Path) -> None:
    first, second = Child(Small("a", _SERVE, folder)), Child(Small("b", _SERVE, folder), needs=("a",))
    assert step([second, first])
    assert (first.phase, second.phase) == (Phase.STARTING, Phase.WAITING)
    _step_until([second, first], lambda: second.phase is Phase.READY)
    assert not step([second, first])
    for child in (first, second):
        child.server.stop()


def test_a_killed_child_comes_back_and_its_followers_with_it(folder: Path) -> None:
    leader = Child(Small("a", _SERVE, folder))
    follower = Child(Small("b", _SERVE, folder), needs=("a",), follows=("a",))
    other = Child(Small("c", _SERVE, folder), needs=("a",))
    children = [leader, follower, other]
    _step_until(children, lambda: all(child.phase is Phase.READY for child in children))
    before = [child.server.pid for child in children]
    os.kill(leader.server.pid, signal.SIGKILL)
    _step_until(children, lambda: leader.phase is Phase.FAILED)
    assert leader.error == "ended with code -9"
    assert leader.state().pid is None
    _step_until(children, lambda: all(child.phase is Phase.READY for child in children))
    after = [child.server.pid for child in children]
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]
    assert (leader.failures, follower.failures) == (1, 0)
    for child in children:
        child.server.stop()


def test_a_child_that_hangs_is_started_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "PROBE_SECONDS", 0.05)
    monkeypatch.setattr(supervision, "HUNG_SECONDS", 0.5)
    child = Child(Small("a", _SERVE, folder))
    _step_until([child], lambda: child.phase is Phase.READY)
    before = child.server.pid
    monkeypatch.setattr(child.server, "responsive", lambda: child.server.pid != before)
    _step_until([child], lambda: child.phase is Phase.READY and child.server.pid != before)
    assert (child.failures, child.error) == (1, "did not answer for 0.5 s")
    child.server.stop()


def test_a_child_that_is_slow_to_stop_holds_up_nobody(folder: Path) -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + _SERVE
    leader, follower = Child(Small("a", _SERVE, folder)), Child(Small("b", stubborn, folder), follows=("a",))
    follower.server.stop_seconds = 2.0
    _step_until([leader, follower], lambda: leader.phase is follower.phase is Phase.READY)
    before = follower.server.pid
    os.kill(leader.server.pid, signal.SIGKILL)
    _step_until([leader, follower], lambda: leader.phase is Phase.READY and leader.failures == 1)
    assert follower.phase is Phase.STOPPING
    assert follower.state().pid == before
    _step_until([leader, follower], lambda: follower.phase is Phase.READY)
    assert follower.server.pid != before
    for child in (leader, follower):
        child.server.stop()


def test_pauses_grow_while_a_child_keeps_failing(folder: Path) -> None:
    child = Child(Small("a", "raise SystemExit(7)", folder))
    pauses = []
    for failures in range(1, 4):
        _step_until([child], lambda failures=failures: child.failures == failures)
        pauses.append(child.retry_at - child.entered)
        child.retry_at = 0.0
    assert child.error == "ended with code 7"
    assert pauses == pytest.approx([0.25, 0.5, 1.0], abs=0.05)
