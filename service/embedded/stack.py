"""The stack of a state folder as a whole: bring it up, take it down, look at it."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from service.embedded import process, ray_head, seaweedfs
from service.embedded.home import Home
from service.embedded.ports import of_server
from service.embedded.process import Identity, identify
from service.embedded.program import healthy
from service.embedded.secret_files import write_private
from service.embedded.server import StartError
from service.embedded.state import Phase, State, read_state

Report = Callable[[str, Phase], None]
"""Told of each child that comes into another phase: its name and the phase."""

UP_SECONDS = 120.0
_TOLERATED_FAILURES = 3
_DOWN_SECONDS = 40.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Running:
    """A process of the stack, with everything it started."""

    name: str
    phase: Phase
    pid: int | None
    port: int | None
    memory_bytes: int
    since: datetime
    error: str | None
    log: str


@dataclass(frozen=True)
class StackStatus:
    """What runs and where everything is."""

    folder: Path
    state: State | None
    alive: bool
    """Whether its supervisor runs."""
    processes: tuple[Running, ...]

    @property
    def ready(self) -> bool:
        """Whether it runs and every part of it is ready."""
        return self.alive and self.state is not None and self.state.ready


def up(folder: Path, report: Report | None = None, timeout_seconds: float = UP_SECONDS) -> State:
    """Start the stack of `folder`, or join it where it runs, and wait until every part is ready.

    Args:
        folder: the state folder.
        report: told of every change on the way.
        timeout_seconds: how long to wait.

    Raises:
        StartError: a part does not come up; the message names it and ends with its log. What this call has
            started is ended again.
    """
    home = Home(folder)
    _create(home)
    boot = _Boot(home, report)
    try:
        return boot.wait(timeout_seconds)
    except StartError:
        if boot.started is not None:
            down(folder)
        raise


def down(folder: Path) -> bool:
    """End everything that belongs to `folder`; whether there was anything.

    Raises:
        StartError: something could not be ended.
    """
    home = Home(folder)
    state = read_state(home)
    supervisor = state.supervisor.find() if state else None
    found = supervisor is not None
    if supervisor is not None:
        process.end([supervisor], grace_seconds=_DOWN_SECONDS)
    leftovers = process.marked(f"{folder}:")
    if state is not None:
        known = (child.find() for child in state.children.values())
        leftovers += [child for child in known if child is not None and child not in leftovers]
    found |= bool(leftovers)
    process.end(leftovers)
    found |= ray_head.clear(home.path / "ray")
    if state is not None:
        seaweedfs.clear_sockets(of_server("seaweedfs", state.ports))
    remaining = process.marked(f"{folder}:")
    if remaining:
        raise StartError(f"could not end process {', '.join(str(one.pid) for one in remaining)}; end it by hand")
    if state is not None and found:
        write_private(home.state, state.model_copy(update={"url": None, "children": {}}).model_dump_json(indent=2))
    return found


def status(folder: Path) -> StackStatus:
    """What runs of the stack of `folder`."""
    state = read_state(Home(folder))
    if state is None:
        return StackStatus(folder, None, False, ())
    supervisor = state.supervisor.find()
    processes = []
    for name, child in state.children.items():
        live = child.find()
        phase = child.phase if supervisor is not None else Phase.FAILED
        processes.append(
            Running(
                name=name,
                phase=phase,
                pid=live.pid if live else None,
                port=state.ports.get(_MAIN_PORT.get(name, name)),
                memory_bytes=_memory(live) if live else 0,
                since=child.since,
                error=child.error if supervisor is not None else "its supervisor is gone: run `holonomy up`",
                log=child.log,
            )
        )
    return StackStatus(folder, state, supervisor is not None, tuple(processes))


_MAIN_PORT = {"seaweedfs": "seaweedfs.s3", "ray": "ray.gcs"}


def _create(home: Home) -> None:
    try:
        home.create()
    except OSError as error:
        raise StartError(
            f"expected a state folder to write to, got {home.path} ({error.strerror}); choose one with HOLONOMY_HOME"
        ) from None


class _Boot:
    """Waiting for a stack, started by this process where no supervisor runs."""

    def __init__(self, home: Home, report: Report | None) -> None:
        self._home = home
        self._report = report
        self._told: dict[str, Phase] = {}
        self.started: Identity | None = None

    def wait(self, timeout_seconds: float) -> State:
        """The state, once every part is ready.

        Raises:
            StartError: a part does not come up.
        """
        deadline = time.monotonic() + timeout_seconds
        state = None
        while time.monotonic() < deadline:
            state = read_state(self._home)
            if state is not None and state.supervisor.find() is not None:
                self._follow(state)
                # Asked again, because the state may be the last of a supervisor that is being killed.
                if state.ready and healthy(state.ports["api"], "/readyz"):
                    return state
            elif self.started is None:
                self.started = _start_supervisor(self._home)
            elif self.started.find() is None:
                raise _failure("supervisor", "ended", self._home.log("supervisor"))
            time.sleep(_POLL_SECONDS)
        slow = [name for name, child in state.children.items() if child.phase is not Phase.READY] if state else []
        name = slow[0] if slow else "supervisor"
        raise _failure(name, f"was not ready within {timeout_seconds:g} s", self._home.log(name))

    def _follow(self, state: State) -> None:
        for name, child in state.children.items():
            if self._report is not None and self._told.get(name) is not child.phase:
                self._told[name] = child.phase
                self._report(name, child.phase)
            if child.failures >= _TOLERATED_FAILURES:
                raise _failure(f"{name}:", child.error or "failed", Path(child.log))


def _start_supervisor(home: Home) -> Identity:
    """Start a supervisor; one that finds another at work waits for its lock and ends."""
    detach = Path(__file__).with_name("detach.py")
    command = [sys.executable, "-m", "service.embedded.supervisor", str(home.path)]
    started = subprocess.run(
        [sys.executable, "-I", "-S", str(detach), str(home.log("supervisor")), *command],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    pid = int(started.stdout)
    try:
        return identify(pid)
    except psutil.NoSuchProcess:
        return Identity(pid, started=0.0)


def _failure(name: str, what: str, log: Path) -> StartError:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:] if log.exists() else []
    if not lines:
        return StartError(f"{name} {what}" if log.exists() else f"{name} {what}; it wrote no log")
    return StartError("\n".join([f"{name} {what}; its log {log} ends:", *(f"  {line}" for line in lines)]))


def _memory(process: psutil.Process) -> int:
    """The proportional share of memory of a process and everything below it, as far as this account may look."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for member in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += member.memory_full_info().pss
    return total
