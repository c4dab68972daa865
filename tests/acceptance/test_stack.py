"""The embedded stack as a whole: up, killed in every way, up again with nothing lost, down without a trace."""

import json
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from holonomy import Client, Diagnostic
from schemas.states import JobState
from service.embedded import process, stack
from service.embedded.home import Home
from service.embedded.server import StartError
from service.embedded.state import State, read_state


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="holonomy-stack-", dir="/tmp"))
    monkeypatch.setenv("HOLONOMY_HOME", str(folder))
    # Blocks whose holder was killed run again after this long.
    monkeypatch.setenv("HOLONOMY_LEASE_SECONDS", "4")
    for name in ("HOLONOMY_URL", "HOLONOMY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    yield Home(folder)
    stack.down(folder)
    shutil.rmtree(folder)


def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)


def _client(home: Home, state: State) -> Client:
    return Client(state.url, home.api_token.read_text())


def _kill(*victims: psutil.Process) -> None:
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.send_signal(signal.SIGKILL)


def _members(home: Home) -> list[psutil.Process]:
    """Every process that has to do with the state folder, by whatever trace of it."""
    needle = str(home.path)
    found = []
    for candidate in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            opened = [file.path for file in candidate.open_files()]
            traces = [*candidate.cmdline(), candidate.cwd(), candidate.environ().get(process.MARK, ""), *opened]
            if candidate.pid != os.getpid() and any(needle in trace for trace in traces):
                found.append(candidate)
    return found


def test_nothing_is_lost_when_any_or_all_processes_are_killed(home: Home) -> None:
    state = stack.up(home.path)
    with _client(home, state) as client:
        job = client.submit(Diagnostic(blocks=60, seconds=0.5, record_bytes=secrets.randbelow(1000)))
    for name, child in state.children.items():
        victim = child.find()
        if victim is None:
            continue
        _kill(victim)
        _until(lambda name=name, pid=child.pid: _came_back(home, name, pid), 60)
    after = read_state(home)
    assert after is not None
    assert after.ports == state.ports
    supervisor = after.supervisor.find()
    assert supervisor is not None
    # All at once, the supervisor first, so that it cannot help.
    _kill(supervisor, *_members(home))
    again = stack.up(home.path)
    assert again.supervisor != after.supervisor
    with _client(home, again) as client:
        job = client.job(job.id)
        job.wait(timeout=90)
        assert job.status().state is JobState.DONE
        assert job.status().progress.done == 60
    temporary = (home.path / "ray" / "temporary").readlink()
    assert stack.down(home.path)
    _until(lambda: _members(home) == [], 2)
    assert not temporary.exists()
    sockets = Path("/tmp").glob("seaweedfs-*.sock")  # noqa: S108 - where SeaweedFS puts them
    ports = [port for role, port in state.ports.items() if role.startswith("seaweedfs.")]
    assert [path for path in sockets if any(str(port) in path.name for port in ports)] == []
    assert not stack.down(home.path)


def _came_back(home: Home, name: str, killed: int | None) -> bool:
    status = stack.status(home.path)
    return status.ready and next(part.pid for part in status.processes if part.name == name) not in (None, killed)


def test_children_end_with_a_killed_supervisor(home: Home) -> None:
    state = stack.up(home.path)
    supervisor = state.supervisor.find()
    assert supervisor is not None
    _kill(supervisor)
    _until(lambda: all(child.find() is None for child in state.children.values()), 20)
    status = stack.status(home.path)
    assert not status.alive
    assert not status.ready


def _holonomy(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "holonomy", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _answer(command: subprocess.Popen[str]) -> str:
    output, errors = command.communicate(timeout=100)
    assert command.returncode == 0, errors
    return output


def test_commands_from_up_to_down(home: Home) -> None:
    # Two at once make one stack.
    both = [_holonomy("up", "--json"), _holonomy("up", "--json")]
    urls = {json.loads(_answer(command))["url"] for command in both}
    assert len(urls) == 1
    status = json.loads(_answer(_holonomy("status", "--json")))
    assert status["ready"]
    assert status["url"] in urls
    running = [part["name"] for part in status["embedded"]["processes"] if part["pid"]]
    assert running == ["ray", "seaweedfs", "postgres", "api", "scheduler", "dispatcher"]
    assert "psql postgresql://holonomy@127.0.0.1:" in _answer(_holonomy("status"))
    findings = json.loads(_answer(_holonomy("doctor", "--json")))
    assert {finding["state"] for finding in findings} == {"ok"}
    assert "is at revision" in _answer(_holonomy("db", "upgrade"))
    for secret in (home.state, *home.secrets.iterdir()):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600, secret
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o700
    ray = next(part["pid"] for part in status["embedded"]["processes"] if part["name"] == "ray")
    assert "HOLONOMY_DATABASE_URL" not in psutil.Process(ray).environ()
    assert "stopped" in _answer(_holonomy("down"))
    assert _members(home) == []


def test_a_part_that_does_not_start_is_named_with_its_log_and_nothing_stays(home: Home) -> None:
    home.create()
    (home.path / "postgres" / "data").mkdir(parents=True)
    with pytest.raises(StartError, match=r"(?s)postgres: ended with code 1; its log .*postgres.log ends:\n.*is not"):
        stack.up(home.path)
    assert _members(home) == []
